"""What the embedded engine takes for a call: one client over one connection, one request at a time."""

from __future__ import annotations

import http.client
import json
import tempfile
import time
from typing import Final

from tests.benchmarks.measure import Spread, timed
from tests.helpers.processes import run_module

KEY: Final = "sk-bench"
BODY: Final = json.dumps({"name": "bench", "metadata": {"project": "rag-system"}})
WARM_UP: Final = 200


def report(times: int = 2_000) -> list[str]:
    """Lines to print."""
    with tempfile.TemporaryDirectory() as home:
        arguments = ["--home", home, "--port", "0", "--api-key-env", "ENGINE_KEY"]
        with run_module("engine", {"ENGINE_KEY": KEY}, arguments) as ready:
            return _measured(int(ready.rsplit(":", 1)[1]), times)


def _measured(port: int, times: int) -> list[str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def call(method: str, path: str, body: str | None = None) -> bytes:
        headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"status {answer.status}")
        return content

    store = json.loads(call("POST", "/v1/vector_stores", BODY))["id"]
    timed(lambda: call("POST", "/v1/vector_stores", BODY), time.perf_counter, WARM_UP)
    creates = timed(lambda: call("POST", "/v1/vector_stores", BODY), time.perf_counter, times)
    retrieves = timed(lambda: call("GET", f"/v1/vector_stores/{store}"), time.perf_counter, times)
    return [f"create of the engine:    {Spread.of(creates)}", f"retrieve of the engine:  {Spread.of(retrieves)}"]
