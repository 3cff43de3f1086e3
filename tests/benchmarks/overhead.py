"""The time that the gateway adds to a create: over HTTP in local mode, and within the handler alone."""

from __future__ import annotations

import http.client
import itertools
import json
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from local.app import LocalMode
from local.options import Options
from tests.benchmarks.measure import Spread, timed
from tests.helpers.processes import run_module

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-of-the-benchmark-1"
BODY = json.dumps({"name": "bench", "metadata": {"project": "rag-system"}})
WARM_UP = 200


def report(times: int = 2_000) -> list[str]:
    """Return the lines to print. One client, one request at a time, direct and through the gateway in turn."""
    with run_module("tests.benchmarks.constant_upstream") as port:
        upstream = f"http://127.0.0.1:{port}/v1"
        return [*_over_http(upstream, int(port), times), *_in_process(upstream, times)]


def _over_http(upstream: str, port: int, times: int) -> list[str]:
    with tempfile.TemporaryDirectory() as home:
        settings = {"PORT": "0", "VECTORGATE_HOME": home, "OPENAI_API_KEY": "sk-bench", "OPENAI_BASE_URL": upstream}
        settings |= {"VECTORGATE_MASTER_KEY": KEY}
        with run_module("local", settings) as ready:
            ours = int(ready.partition("http://")[2].partition(" ")[0].rpartition(":")[2])
            direct, through = _poster(port), _poster(ours)
            timed(lambda: (direct(), through()), time.perf_counter, WARM_UP)
            pairs = [_pair(direct, through) for _ in range(times)]
    straight, gateway = Spread.of([a for a, _ in pairs]), Spread.of([b for _, b in pairs])
    return [
        f"create, straight to a constant upstream:  {straight}",
        f"create, through the gateway:              {gateway}",
        f"overhead over HTTP (p50 less p50):        {gateway.p50 - straight.p50:.2f} ms (goal: at most 1.2 ms)",
    ]


def _pair(direct: Callable[[], None], through: Callable[[], None]) -> tuple[float, float]:
    """Time one create each way, in turn, so that a slow moment of the machine is slow for both."""
    return timed(direct, time.perf_counter, 1)[0], timed(through, time.perf_counter, 1)[0]


def _poster(port: int) -> Callable[[], None]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"authorization": f"Bearer {KEY}", "content-type": "application/json"}

    def post() -> None:
        connection.request("POST", "/v1/vector_stores", BODY, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"status {answer.status}")

    return post


def _in_process(upstream: str, times: int) -> list[str]:
    """Call the handler as Lambda does. Its own time is the total less the upstream's, as the header says."""
    event = {
        "version": "2.0",
        "rawPath": "/v1/vector_stores",
        "headers": {"authorization": f"Bearer {KEY}", "content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/v1/vector_stores"}},
        "body": BODY,
        "isBase64Encoded": False,
    }
    secret = json.dumps({"base_url": upstream, "api_key": "sk-bench"})
    with tempfile.TemporaryDirectory() as home:
        local_mode = LocalMode(Options(database=Path(home) / "ledger.db", secret=secret, master_key=KEY))
        try:
            answers = [local_mode.api(event, None) for _ in itertools.repeat(None, WARM_UP + times)]
        finally:
            local_mode.close()
    own = [float(answer["headers"]["x-litellm-overhead-duration-ms"]) / 1000 for answer in answers[WARM_UP:]]  # type: ignore[index]
    return [f"the handler's own time of a create:       {Spread.of(own)}"]
