"""One tenant's calls to a provider that hangs: they keep no other tenant waiting, nor health."""

from __future__ import annotations

import json
import socket
import threading
from typing import TYPE_CHECKING

import httpx2
import pytest

from local.server import app as server_app
from local.server.app import App, Handlers
from local.server.callers import Callers
from tests.fakes.upstream import answer
from tests.harnesses.gateway import GatewayHarness
from tests.harnesses.local_server import serving
from tests.helpers.waiting import within
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.fakes.upstream import Received

HANGING_CALLS = 200
SHARE = server_app.CALLS // 2


class Provider:
    """Answers a create of a store named `hang` once it is `released`, and any other at once."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def __call__(self, connection: socket.socket, received: Received) -> bool:
        """Answer one request."""
        name = json.loads(received.body)["name"]
        if name == "hang":
            self.released.wait(60)
        store = {"id": f"vs_{name}", "object": "vector_store", "created_at": 1, "name": name}
        return answer(200, store)(connection, received)


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.released.set()


@pytest.fixture
def harness(provider: Provider) -> Iterator[GatewayHarness]:
    with GatewayHarness() as made:
        made.upstream.always(provider)
        yield made
        provider.released.set()
        within(20, lambda: not any(row.state is State.STARTED for row in made.rows()))  # so that no connection is left


def begin(port: int, key: str, name: str) -> socket.socket:
    """Send a create, and do not wait for its answer."""
    body = json.dumps({"name": name}).encode()
    head = (
        f"POST /v1/vector_stores HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\ncontent-length: {len(body)}\r\n"
    )
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(f"{head}content-type: application/json\r\n\r\n".encode() + body)
    return connection


def hanging(harness: GatewayHarness) -> int:
    """How many creates reached the provider and hang there."""
    return sum(b'"hang"' in received.body for received in list(harness.upstream.received))


def test_a_tenant_whose_calls_hang_uses_half_of_the_threads_and_no_other_call_waits(harness: GatewayHarness) -> None:
    keys = [harness.key(f"sk-hanging-{number}", team="hanging") for number in range(4)]
    others = [harness.key(f"sk-{team}", team=team) for team in ("red", "blue", "green")]
    app = App(Handlers(api=harness.api, admin=harness.admin), Callers(harness.gateway.authenticator))
    port = serving(app)
    clients = [begin(port, keys[number % 4], "hang") for number in range(HANGING_CALLS)]
    try:
        within(20, lambda: hanging(harness) >= SHARE)
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=10) as client:
            for number in range(60):
                headers = {"authorization": f"Bearer {others[number % 3]}"}
                made = client.post("/v1/vector_stores", json={"name": f"{number}"}, headers=headers)
                assert made.status_code == 200, made.text
                assert client.get("/healthz").status_code == 200
            assert client.get("/spend/logs", headers={"authorization": "Bearer no"}).status_code == 401
            assert client.get("/v1/vector_stores", headers={"authorization": "Bearer no"}).status_code == 401
        assert hanging(harness) == SHARE
    finally:
        for connection in clients:
            connection.close()


def test_a_call_that_waits_for_its_turn_is_not_sent_once_its_client_has_gone(
    harness: GatewayHarness, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_app, "CALLS", 2)
    key = harness.key("sk-one", team="one")
    app = App(Handlers(api=harness.api, admin=harness.admin), Callers(harness.gateway.authenticator))
    port = serving(app)
    first = begin(port, key, "hang")
    within(30, lambda: hanging(harness) == 1)
    waiting, leaving = begin(port, key, "stays"), begin(port, key, "leaves")
    leaving.close()
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}") as client:
        assert client.get("/healthz").status_code == 200  # by now the server has seen that the client went
    provider.released.set()
    with first, waiting:
        assert waiting.recv(100).startswith(b"HTTP/1.1 200 ")
    assert [json.loads(received.body)["name"] for received in harness.upstream.received] == ["hang", "stays"]
