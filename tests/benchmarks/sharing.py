"""Other tenants' creates while one tenant's provider hangs with 200 calls: over HTTP, in local mode."""

from __future__ import annotations

import http.client
import json
import socket
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from typing import TYPE_CHECKING

from tests.benchmarks.measure import Spread, timed
from tests.helpers.processes import run_module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MASTER_KEY = "sk-bench-0123456789abcdef"
HANGING_CALLS = 200
TENANTS = 4
WARM_UP = 200
ROUNDS = 3  # of both, in turn: a slow moment of the machine is in one of them only


def report(times: int = 1_000) -> list[str]:
    """Return the lines to print: the spread without and with the calls that hang, in turn, and the ratio of the p99."""
    alone: list[float] = []
    beside: list[float] = []
    with ExitStack() as running, tempfile.TemporaryDirectory() as home:
        provider = running.enter_context(run_module("tests.benchmarks.constant_upstream"))
        ready = running.enter_context(run_module("local", _settings(home, provider)))
        port = int(ready.partition("http://")[2].partition(" ")[0].rpartition(":")[2])
        creates = _creates(port)
        timed(creates, time.perf_counter, WARM_UP)
        for _ in range(ROUNDS):
            alone += timed(creates, time.perf_counter, times)
            with _hanging(port):
                beside += timed(creates, time.perf_counter, times)
    usual, disturbed = Spread.of(alone), Spread.of(beside)
    return [
        f"creates of {TENANTS} tenants, one at a time:               {usual}",
        f"the same while a fifth one has {HANGING_CALLS} calls that hang: {disturbed}",
        f"ratio of the p99 (goal: at most 2):                 {disturbed.p99 / usual.p99:.2f}",
    ]


def _settings(home: str, provider: str) -> dict[str, str]:
    upstream = {"OPENAI_API_KEY": "sk-bench", "OPENAI_BASE_URL": f"http://127.0.0.1:{provider}/v1"}
    mine = {"VECTORGATE_MASTER_KEY": MASTER_KEY, "VECTORGATE_DRAIN_SECONDS": "1"}
    return {"PORT": "0", "VECTORGATE_HOME": home, **mine, **upstream}


def _creates(port: int) -> Callable[[], None]:
    """Create a store for one tenant after another, over one connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    keys = [_key(connection, f"tenant-{number}") for number in range(TENANTS)]
    body = json.dumps({"name": "bench"})

    def create() -> None:
        keys.append(keys.pop(0))
        _post(connection, "/v1/vector_stores", keys[0], body)

    return create


@contextmanager
def _hanging(port: int) -> Iterator[None]:
    """One tenant's calls at a provider that does not answer them until the block has ended."""
    with _connected(port) as connection:
        key, body = _key(connection, "hanging"), b'{"name":"hang"}'
    head = f"POST /v1/vector_stores HTTP/1.1\r\nauthorization: Bearer {key}\r\ncontent-type: application/json\r\n"
    request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
    with ExitStack() as clients:
        for _ in range(HANGING_CALLS):
            clients.enter_context(socket.create_connection(("127.0.0.1", port))).sendall(request)
        time.sleep(1)  # by then as many are at the provider as there may be
        yield
    with _connected(port) as connection:  # a new one: idle connections are closed
        _post(connection, "/v1/vector_stores", _key(connection, "releasing"), '{"name":"release"}')
    time.sleep(1)


def _connected(port: int) -> closing[http.client.HTTPConnection]:
    return closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30))


def _key(connection: http.client.HTTPConnection, team: str) -> str:
    body = json.dumps({"team_id": team, "create_team": True})
    key: str = json.loads(_post(connection, "/key/generate", MASTER_KEY, body))["key"]
    return key


def _post(connection: http.client.HTTPConnection, path: str, key: str, body: str) -> bytes:
    connection.request("POST", path, body, {"authorization": f"Bearer {key}", "content-type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status != http.client.OK:
        raise RuntimeError(f"status {answer.status}: {content[:200]!r}")
    return content
