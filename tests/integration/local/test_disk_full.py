"""A disk that fills up while a call is under way: the client keeps what it was told, and the ledger catches up.

The process may write to no file from that moment on.
"""

from __future__ import annotations

import resource
import sys
from typing import TYPE_CHECKING

import pytest
from httpx2 import Client

from tests.fakes.openai import FakeOpenAI
from tests.fakes.upstream import FaultyUpstream
from tests.harnesses.local_process import LocalProcess
from tests.helpers.waiting import within

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator
    from pathlib import Path

    from tests.fakes.upstream import Received

KEY = "sk-of-this-test-alone"
LIMITS = sys.platform == "linux"


class FillingProvider(FakeOpenAI):
    """A provider during whose next create the gateway's disk fills up."""

    process: LocalProcess
    fills: bool = False

    def act(self, connection: socket.socket, received: Received) -> bool:
        """Answer one request."""
        if self.fills and received.method == "POST":
            self.fill()
        return super().act(connection, received)

    def fill(self) -> None:
        """Let the gateway write to no file any more."""
        self._limit(0)

    def free(self) -> None:
        """Let it write to files again."""
        self.fills = False
        self._limit(resource.RLIM_INFINITY)

    def _limit(self, most: int) -> None:
        resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[FillingProvider]:
    """The provider of a running gateway."""
    provider = FillingProvider()
    with FaultyUpstream(provider.act) as upstream:
        settings = {"OPENAI_API_KEY": "sk-p", "OPENAI_BASE_URL": upstream.url, "VECTORGATE_MASTER_KEY": KEY}
        with LocalProcess(tmp_path / "home", None, **settings) as provider.process:
            yield provider


@pytest.fixture
def http(provider: FillingProvider) -> Iterator[Client]:
    """A client that repeats nothing by itself."""
    with Client(base_url=provider.process.url, headers={"authorization": f"Bearer {KEY}"}, timeout=30) as client:
        yield client


@pytest.mark.skipif(not LIMITS, reason="sets limits of another process, which is Linux's")
def test_a_store_whose_create_was_answered_is_never_absent(provider: FillingProvider, http: Client) -> None:
    provider.fills = True
    created = http.post("/v1/vector_stores", json={"name": "kept"}, headers={"idempotency-key": "once"})
    assert created.status_code == 200
    path = f"/v1/vector_stores/{created.json()['id']}"
    for _ in range(2):  # no call can be recorded: that is said, and not that there is no such store
        assert http.get(path).status_code == 503
        assert http.post("/v1/vector_stores", json={"name": "other"}).status_code == 503
    provider.free()
    assert http.get(path).json()["name"] == "kept"
    again = http.post("/v1/vector_stores", json={"name": "kept"}, headers={"idempotency-key": "once"})
    assert (again.json()["id"], again.headers["idempotency-replayed"]) == (created.json()["id"], "true")
    assert len(provider.stores) == 1


@pytest.mark.skipif(not LIMITS, reason="sets limits of another process, which is Linux's")
def test_the_ledger_catches_up_without_a_request(provider: FillingProvider, http: Client) -> None:
    provider.fills = True
    created = http.post("/v1/vector_stores", json={"name": "kept"})
    provider.free()

    def state() -> str | None:
        rows = http.get("/spend/logs").json()
        return next((row["state"] for row in rows if row["request_id"] == created.headers["x-litellm-call-id"]), None)

    assert within(30, lambda: state() == "settled")
