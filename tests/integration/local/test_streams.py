"""Answers that are produced while they are sent, over real sockets."""

from __future__ import annotations

import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.harnesses.local_server import answers_to, requested, result, serve
from tests.helpers.waiting import within

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.entrypoints.lambda_http import LambdaResponse

END = object()


class Events:
    """A `ByteStream` of what a test puts into it. `close` ends a wait for the next piece."""

    def __init__(self) -> None:
        self.pieces: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.closed: list[str] = []
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        while isinstance(piece := self.pieces.get(), bytes):
            self.taken += 1
            yield piece
        if isinstance(piece, Exception):
            raise piece

    def close(self) -> None:
        self.closed.append(threading.current_thread().name)
        self.pieces.put(END)


class Server:
    """Answers each request with a stream of its own, by path."""

    def __init__(self) -> None:
        self.streams: dict[str, Events] = {}
        self.port = serve(self._answer)

    def _answer(self, event: Mapping[str, object]) -> LambdaResponse:
        path = str(event["rawPath"])
        if path == "/plain":
            return result()
        return result(self.streams.setdefault(path, Events()), "text/event-stream")

    def stream(self, path: str) -> Events:
        """A stream that the next request for this path gets."""
        return self.streams.setdefault(path, Events())


@pytest.fixture(scope="module")
def server() -> Server:
    return Server()


def test_each_piece_arrives_before_the_next_is_produced(server: Server) -> None:
    stream = server.stream("/each")
    with requested(server.port, "/each") as answer:
        assert answer.headers["transfer-encoding"] == "chunked"
        assert answer.headers["content-length"] is None
        for number in range(100):
            piece = b"data: %d\n\n" % number
            stream.pieces.put(piece)
            assert answer.read1() == piece
        stream.pieces.put(b"")
        stream.pieces.put(END)
        assert answer.read() == b""
    assert len(stream.closed) == 1


def test_a_client_that_goes_away_closes_the_stream_at_once_while_a_piece_is_awaited(server: Server) -> None:
    stream = server.stream("/away")
    with requested(server.port, "/away") as answer:
        stream.pieces.put(b"one")
        assert answer.read1() == b"one"
    left = time.monotonic()
    within(30, lambda: bool(stream.closed))
    assert time.monotonic() - left < 3
    within(30, stream.pieces.empty)
    assert len(stream.closed) == 1


def test_a_client_that_goes_away_before_the_first_piece_closes_the_stream(server: Server) -> None:
    stream = server.stream("/early")
    with requested(server.port, "/early"):
        pass
    within(30, lambda: len(stream.closed) == 1)


def test_a_stream_that_breaks_is_cut_so_that_the_client_does_not_take_it_for_whole(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    stream = server.stream("/broken")
    stream.pieces.put(b"one")
    stream.pieces.put(RuntimeError("the provider is gone"))
    received = answers_to(server.port, b"GET /broken HTTP/1.1\r\nhost: x\r\n\r\n")
    assert received.endswith(b"\r\n\r\n3\r\none\r\n")
    assert len(stream.closed) == 1
    assert "the provider is gone" in caplog.text


def test_a_client_that_reads_slowly_is_waited_for_with_little_in_memory(server: Server) -> None:
    stream, piece = server.stream("/slow"), bytes(256 * 1024)
    for _ in range(400):
        stream.pieces.put(piece)
    stream.pieces.put(END)
    with requested(server.port, "/slow") as answer:
        time.sleep(0.5)
        assert stream.taken < 100
        assert len(answer.read()) == 400 * len(piece)
    assert len(stream.closed) == 1


def test_an_answer_to_head_is_no_stream(server: Server) -> None:
    stream = server.stream("/head")
    with requested(server.port, "/head", "HEAD") as answer:
        assert answer.read() == b""
    within(30, lambda: len(stream.closed) == 1)


def test_a_hundred_streams_at_once_leave_room_for_other_requests(server: Server) -> None:
    streams = [server.stream(f"/many/{number}") for number in range(100)]
    with ExitStack() as clients, ThreadPoolExecutor(20) as pool:
        opened = [clients.enter_context(requested(server.port, f"/many/{number}")) for number in range(100)]
        for round_ in (b"first", b"second"):
            for stream in streams:
                stream.pieces.put(round_)
            assert list(pool.map(lambda answer: answer.read1(), opened)) == [round_] * 100
        with requested(server.port, "/plain") as answer:
            assert answer.status == 200
    within(30, lambda: all(len(stream.closed) == 1 for stream in streams))
