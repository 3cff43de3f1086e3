"""A limit on a whole exchange, kept by both egresses; time passes as a reader takes what it is sent."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Final

import httpcore
import pytest

from vectorgate.client.flow import TimeLimit
from vectorgate.client.messages import HttpRequest
from vectorgate.client.messages import ResponseLost as SdkLost
from vectorgate.client.sender import SyncSender
from vectorgate.client.transport import SyncTransport, own_client
from vectorgate.clock import Clock
from vectorgate.providers.base import UpstreamRequest
from vectorgate.providers.http.adapter import WRITE_PIECE, TimedBackend, TimedStream
from vectorgate.providers.http.outcome import ResponseLost
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Send = Callable[[str, Callable[[], float]], object]

LIMIT: Final = 10.0
SIP: Final = 64 * 1024
BODY: Final = bytes(32 * 1024 * 1024)  # more than the sockets' buffers on the way


class SlowReader:
    """A server that takes a piece a second of its own clock, until the other side hangs up, and answers nothing."""

    def __init__(self) -> None:
        self.taken = 0
        self.now = 0.0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SIP)
        self._listener.settimeout(30)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1/files"

    def monotonic(self) -> float:
        return self.now

    def end(self) -> None:
        """Wait until the sender has hung up."""
        self._thread.join(30)
        self._listener.close()

    def _read(self) -> None:
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(30)
            try:
                while piece := connection.recv(SIP):
                    self.taken += len(piece)
                    self.now += 1.0
            except ConnectionResetError:
                return


class Pipe(httpcore.NetworkStream):
    """A stream that notes what it is given and with which timeout; each write takes 4 seconds, and may fail."""

    def __init__(self, error: Exception | None = None) -> None:
        self.now = 0.0
        self._error = error
        self.written: list[tuple[int, float | None]] = []

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.written.append((len(buffer), timeout))
        self.now += 4.0
        if self._error is not None:
            raise self._error

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        del max_bytes, timeout
        return b"answer"


@pytest.fixture
def reader() -> Iterator[SlowReader]:
    reader = SlowReader()
    yield reader
    reader.end()


def by_the_sdk(url: str, monotonic: Callable[[], float]) -> object:
    transport = SyncTransport(None, monotonic)
    request = HttpRequest(method="POST", url=url, headers=framed(url), content=BODY)
    try:
        return SyncSender(own_client(transport), monotonic).send(request, TimeLimit(LIMIT))
    finally:
        transport.close()


def by_the_gateway(url: str, monotonic: Callable[[], float]) -> object:
    transport = PooledTransport(Clock(wall=monotonic, monotonic=monotonic, sleep=lambda _: None))
    try:
        return transport.send(UpstreamRequest(method="POST", url=url, headers=framed(url), content=BODY), seconds=LIMIT)
    finally:
        transport.close()


def framed(url: str) -> dict[str, str]:
    return {"host": url.split("/")[2], "content-length": str(len(BODY))}


@pytest.mark.parametrize("send", [by_the_sdk, by_the_gateway])
def test_a_slow_reader_holds_a_call_no_longer_than_its_time(
    send: Send, reader: SlowReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    outcome = send(reader.url, reader.monotonic)
    reader.end()
    assert isinstance(outcome, ResponseLost | SdkLost)
    assert outcome.timed_out
    assert reader.taken < len(BODY)


def test_each_piece_of_a_body_is_given_what_is_left_of_the_time() -> None:
    pipe = Pipe()
    with pytest.raises(httpcore.WriteTimeout):
        TimedStream(pipe, lambda: pipe.now).write(bytes(4 * WRITE_PIECE), LIMIT)
    assert pipe.written == [(WRITE_PIECE, 10.0), (WRITE_PIECE, 6.0), (WRITE_PIECE, 2.0)]


def test_nothing_is_begun_when_the_time_is_over() -> None:
    stream = TimedStream(Pipe(), lambda: LIMIT)
    with pytest.raises(httpcore.ReadTimeout):
        stream.read(1, LIMIT)
    with pytest.raises(httpcore.WriteTimeout):
        stream.write(b"a", LIMIT)
    with pytest.raises(httpcore.ConnectTimeout):
        TimedBackend(lambda: LIMIT).connect_tcp("127.0.0.1", 9, LIMIT)


def test_a_head_goes_out_with_its_body_before_an_answer_is_waited_for() -> None:
    pipe = Pipe()
    stream = TimedStream(pipe, lambda: pipe.now)
    stream.write(b"head", LIMIT)
    stream.write(b"body", LIMIT)
    assert pipe.written == []
    assert stream.read(1, LIMIT) == b"answer"
    assert pipe.written == [(8, LIMIT)]


def test_an_answer_that_came_before_the_end_of_its_request_is_read() -> None:
    pipe = Pipe(error=httpcore.WriteError("the other side reads no more"))
    stream = TimedStream(pipe, lambda: pipe.now)
    stream.write(b"head", LIMIT)
    assert (stream.read(1, LIMIT), stream.read(1, LIMIT), len(pipe.written)) == (b"answer", b"answer", 1)
