"""How long an attempt may take to look a name up and to connect."""

from __future__ import annotations

import socket
import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.integration.providers.test_transport import AMPLE, asked, replied
from vectorgate.providers.http import adapter
from vectorgate.providers.http.outcome import NotSent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.upstream import FaultyUpstream
    from vectorgate.providers.http.transport import PooledTransport


LITTLE: Final = 0.2


class FakeResolver:
    """A resolver for names that no other resolver knows, and a note of where connections were tried."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.addresses: dict[str, list[str]] = {}
        self.waits = threading.Event()
        self.tried: list[str] = []
        self._resolve, self._connect = socket.getaddrinfo, socket.create_connection
        monkeypatch.setattr(socket, "getaddrinfo", self._resolved)
        monkeypatch.setattr(socket, "create_connection", self._connected)

    def _resolved(self, host: Any, port: Any, *rest: Any, **named: Any) -> Any:
        if host == "waits.test":
            self.waits.wait(60)
            raise socket.gaierror(socket.EAI_AGAIN, "no answer")
        if host == "unknown.test":
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        kind = (socket.AF_INET, socket.SOCK_STREAM, 6, "")
        if host in self.addresses:
            return [(*kind, (address, port)) for address in self.addresses[host]]
        return self._resolve(host, port, *rest, **named)

    def _connected(self, address: Any, *rest: Any, **named: Any) -> socket.socket:
        self.tried.append(address[0])
        return self._connect(address, *rest, **named)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeResolver]:
    names = FakeResolver(monkeypatch)
    yield names
    names.waits.set()


@pytest.fixture
def dead() -> Iterator[Callable[[str, int], None]]:
    """Makes an address at which a connection hangs: its listener's queue is full and stays so."""
    with ExitStack() as stack:

        def make(address: str, port: int) -> None:
            listener = stack.enter_context(socket.socket())
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((address, port))
            listener.listen(0)
            for _ in range(3):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex((address, port))

        yield make


def test_all_addresses_of_a_host_together_take_no_longer_than_the_attempt_may(
    names: FakeResolver, dead: Callable[[str, int], None], transport: PooledTransport, upstream: FaultyUpstream
) -> None:
    port = int(upstream.url.split(":")[2].partition("/")[0])
    names.addresses["dead.test"] = [f"127.0.0.{last}" for last in range(2, 7)]
    for address in names.addresses["dead.test"]:
        dead(address, port)
    assert transport.send(asked(f"http://dead.test:{port}/v1"), seconds=LITTLE) == NotSent(timed_out=True)
    assert names.tried == ["127.0.0.2"]


def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    names: FakeResolver,
    dead: Callable[[str, int], None],
    transport: PooledTransport,
    upstream: FaultyUpstream,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adapter, "CONNECT_SECONDS", LITTLE)
    port = int(upstream.url.split(":")[2].partition("/")[0])
    dead("127.0.0.2", port)
    names.addresses["both.test"] = ["127.0.0.2", "127.0.0.1"]
    assert replied(transport.send(asked(f"http://both.test:{port}/v1"), seconds=AMPLE)).status == 200
    assert names.tried == ["127.0.0.2", "127.0.0.1"]


def test_a_resolver_that_does_not_answer_is_not_waited_for(names: FakeResolver, transport: PooledTransport) -> None:
    assert transport.send(asked("http://waits.test/v1"), seconds=LITTLE) == NotSent(timed_out=True)
    assert not names.waits.is_set()
    assert names.tried == []


@pytest.mark.parametrize("host", ["unknown.test", "a..b", f"{'a' * 64}.test"])
def test_a_name_that_means_nothing_is_not_sent_to(names: FakeResolver, transport: PooledTransport, host: str) -> None:
    assert transport.send(asked(f"http://{host}/v1"), seconds=AMPLE) == NotSent(timed_out=False)
    assert names.tried == []


@pytest.mark.parametrize("seconds", [0.0, -0.5])
def test_without_time_nothing_is_begun(upstream: FaultyUpstream, transport: PooledTransport, seconds: float) -> None:
    replied(transport.send(asked(upstream.url), seconds=AMPLE))
    upstream.forget()
    assert transport.send(asked(upstream.url), seconds=seconds) == NotSent(timed_out=True)
    assert upstream.calls == 0
