"""The process that Lambda starts for the stream function, by the script that the layer brings."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.fakes.lambda_runtime import FakeRuntimeApi

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]
SCRIPT = ROOT / "layers/core/stream-runtime"
APP = """
import os
from vectorgate.api.http import Body, Response
from vectorgate.entrypoints.stream import StreamFunction

class App:
    class telemetry:
        flush = staticmethod(lambda: print("flushed"))
        invoked = staticmethod(lambda function_request_id, api_request_id: None)

    def handle(self, request):
        return Response(status=200, headers={}, body=Body.of(os.environ["_X_AMZN_TRACE_ID"].encode()))

handler = StreamFunction(App)
"""


@contextmanager
def started(api: FakeRuntimeApi, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the script as Lambda does, with the function in that folder."""
    environment = {"AWS_LAMBDA_RUNTIME_API": api.address, "_HANDLER": "app.handler", "LAMBDA_TASK_ROOT": str(folder)}
    command = [str(SCRIPT), sys.executable, "/var/runtime/bootstrap.py"]
    with subprocess.Popen(  # noqa: S603 - our own script, our own interpreter
        command, env=environment, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_the_layers_script_runs_the_function_and_writes_its_log_at_once(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text(APP)
    with FakeRuntimeApi(int(time.time() * 1000)) as api, started(api, tmp_path) as process:
        for _ in range(2):
            sent = api.invoke({"rawPath": "/"})
            assert sent.prelude() == {"statusCode": 200, "headers": {}}
            assert sent.rest().decode() == f"Root={sent.request_id}"
            assert process.stdout is not None
            assert process.stdout.readline() == "flushed\n"


def test_a_function_that_cannot_start_says_why_and_ends() -> None:
    with FakeRuntimeApi(int(time.time() * 1000)) as api, started(api, ROOT / "functions/stream") as process:
        _, errors = process.communicate(timeout=20)
        assert process.returncode == 1
    reason = "the setting VECTORGATE_TABLE is missing or empty"
    assert api.start_error == {"errorType": "ValueError", "errorMessage": reason, "stackTrace": []}
    assert reason in errors
