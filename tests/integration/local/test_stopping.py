"""SIGTERM: calls that were begun are finished, within the time that is set for it; then the process ends."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.fakes.upstream import FaultyUpstream, answer, hang
from tests.harnesses.local_process import LocalProcess
from tests.helpers.waiting import within

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.upstream import Act, Received

KEY = "sk-a-key-of-sixteen-characters"
LIST = {"object": "list", "data": [], "has_more": False}
STORE = {"id": "vs_1", "object": "vector_store", "created_at": 1, "name": "s"}


class Provider:
    """Acts on creates as it is told to, and has an empty list. `asked` is set by the first create."""

    def __init__(self, act: Act) -> None:
        self.asked = threading.Event()
        self._act = act
        self.upstream = FaultyUpstream(self._answer)

    def _answer(self, connection: socket.socket, received: Received) -> bool:
        if received.method == "GET":
            return answer(200, LIST)(connection, received)
        self.asked.set()
        return self._act(connection, received)


def slow(connection: socket.socket, received: Received) -> bool:
    """Answer after a second."""
    time.sleep(1)
    return answer(200, STORE)(connection, received)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as threads:
        yield threads


def started(provider: Provider, home: Path, drain: str = "") -> LocalProcess:
    """Local mode before this provider."""
    return LocalProcess(
        home,
        OPENAI_API_KEY="sk-x",
        OPENAI_BASE_URL=f"{provider.upstream.url}/v1",
        VECTORGATE_MASTER_KEY=KEY,
        VECTORGATE_DRAIN_SECONDS=drain,
    )


def create(process: LocalProcess) -> httpx2.Response:
    """Create a store with the master key, which is a client's as well."""
    url, headers = f"{process.url}/v1/vector_stores", {"authorization": f"Bearer {KEY}"}
    return httpx2.post(url, json={"name": "s"}, headers=headers, timeout=20)


def test_a_call_that_was_begun_is_answered_and_a_new_one_is_refused(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    provider = Provider(slow)
    with provider.upstream, started(provider, tmp_path / "home") as process:
        begun = pool.submit(create, process)
        assert provider.asked.wait(30)
        ended = pool.submit(process.stop)
        within(30, lambda: _refused(process))
        assert begun.result(10).status_code == 200
        assert begun.result().headers["connection"] == "close"
        assert ended.result(10) == 0
    assert "1 requests may take 600.0 s more" in process.errors.read_text()


def test_a_call_that_hangs_is_given_up_after_the_time_that_is_set(tmp_path: Path, pool: ThreadPoolExecutor) -> None:
    provider = Provider(hang)
    with provider.upstream, started(provider, tmp_path / "home", drain="0.5") as process:
        begun = pool.submit(create, process)
        assert provider.asked.wait(30)
        since = time.monotonic()
        assert process.stop() == 0
        assert 0.5 < time.monotonic() - since < 15
        given_up = begun.result(10)
        assert (given_up.status_code, given_up.json()["error"]["code"]) == (503, "gateway_stopping")
        assert given_up.headers["x-should-retry"] == "false"


def _refused(process: LocalProcess) -> bool:
    try:
        httpx2.get(f"{process.url}/healthz", timeout=5)
    except httpx2.TransportError:
        return True
    return False
