"""The stream function's runtime loop in a thread, and the events of its function URL."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vectorgate.entrypoints.runtime.loop import Loop
from vectorgate.entrypoints.runtime.runtime_api import RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.fakes.lambda_runtime import FakeRuntimeApi
    from tests.harnesses.gateway import GatewayHarness
    from vectorgate.entrypoints.runtime.loop import Function

ROOT = Path(__file__).parents[2]
EVENT: dict[str, Any] = json.loads((ROOT / "events/stream_responses_create.json").read_text())


def request(
    method: str = "POST", path: str = "/v1/responses", key: str = "sk-red-responses", **body: Any
) -> dict[str, Any]:
    """Return a function URL's event."""
    content = json.dumps({"model": "gpt-5-mini", "input": "hi", **body}) if method == "POST" else None
    headers = {**EVENT["headers"], "authorization": f"Bearer {key}"}
    context = {**EVENT["requestContext"], "http": {"method": method, "path": path}}
    return {**EVENT, "rawPath": path, "headers": headers, "requestContext": context, "body": content}


def start(
    function: Function, api: FakeRuntimeApi, harness: GatewayHarness, set_trace: Callable[[str | None], None]
) -> None:
    """Run the loop over a function in a thread, until the Runtime API is closed."""
    loop = Loop(RuntimeApi(api.address, harness.deps.clock), function, harness.telemetry, set_trace)
    threading.Thread(target=_serve, args=(loop,), name="runtime", daemon=True).start()


def _serve(loop: Loop) -> None:
    with suppress(OSError):
        while True:
            loop.serve_next()
