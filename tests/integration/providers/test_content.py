"""An answer's content: how it is decoded, and how large it may be."""

from __future__ import annotations

import gzip
import tempfile
import tracemalloc
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.fakes.upstream import FaultyUpstream, answer, chunked, hang, raw
from tests.integration.providers.conftest import CLOCK, LIMIT
from tests.integration.providers.test_transport import AMPLE, asked, replied
from vectorgate.api.http import Body
from vectorgate.providers.http import transport as egress
from vectorgate.providers.http.outcome import ResponseLost, TooLarge
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    import socket

    from tests.fakes.upstream import Act, Received


CONTENT: Final = b"what was compressed, " * 10_000


def _raw_deflate(content: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return deflate.compress(content) + deflate.flush()


CODED: Final = {
    "gzip": ("gzip", gzip.compress(CONTENT)),
    "x-gzip": ("X-GZIP", gzip.compress(CONTENT)),
    "two members of gzip": ("gzip", gzip.compress(CONTENT[:1000]) + gzip.compress(CONTENT[1000:])),
    "deflate": ("deflate", zlib.compress(CONTENT)),
    "deflate without its header": ("deflate", _raw_deflate(CONTENT)),
    "identity": ("identity", CONTENT),
}


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("name", list(CODED))
def test_what_is_compressed_unasked_is_read(
    upstream: FaultyUpstream, transport: PooledTransport, name: str, *, binary: bool
) -> None:
    coding, content = CODED[name]
    upstream.always(answer(200, content, {"content-encoding": coding}))
    response = replied(transport.send(asked(upstream.url, binary=binary), seconds=AMPLE))
    assert response.body.read() == CONTENT
    assert "content-encoding" not in response.headers
    assert upstream.received[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("name", list(CODED))
def test_what_is_compressed_unasked_is_read_in_whatever_pieces_it_comes(
    upstream: FaultyUpstream, transport: PooledTransport, name: str
) -> None:
    coding, content = CODED[name]
    step = 1 + len(content) // 1_000
    framed = b"".join(_chunk(content[at : at + step]) for at in range(0, len(content), step))
    head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ntransfer-encoding: chunked\r\n\r\n".encode()
    upstream.always(raw(head + framed + _chunk(b"")))
    assert replied(transport.send(asked(upstream.url), seconds=AMPLE)).body.read() == CONTENT


@pytest.mark.parametrize("status", [200, 204, 304])
def test_nothing_at_all_may_be_called_compressed(
    upstream: FaultyUpstream, transport: PooledTransport, status: int
) -> None:
    upstream.always(raw(b"HTTP/1.1 %d X\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n" % status))
    response = replied(transport.send(asked(upstream.url), seconds=AMPLE))
    assert (response.status, response.body) == (status, Body.of(b""))


def _chunk(piece: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(piece), piece)


MISCODED: Final = {
    "an unknown coding": ("br", CONTENT),
    "two codings": ("gzip, br", CODED["gzip"][1]),
    "gzip that is none": ("gzip", CONTENT),
    "gzip without an end": ("gzip", CODED["gzip"][1][:-9]),
    "gzip with a wrong sum": ("gzip", CODED["gzip"][1][:-8] + bytes(8)),
    "more than gzip": ("gzip", CODED["gzip"][1] + b"more"),
    "deflate that is none": ("deflate", b"\xff" * 100),
    "more than deflate": ("deflate", CODED["deflate"][1] + b"more"),
}


@pytest.mark.parametrize("binary", [False, True])
@pytest.mark.parametrize("name", list(MISCODED))
def test_what_cannot_be_decoded_is_no_answer(
    upstream: FaultyUpstream, transport: PooledTransport, name: str, *, binary: bool
) -> None:
    coding, content = MISCODED[name]
    upstream.always(answer(200, content, {"content-encoding": coding}))
    assert transport.send(asked(upstream.url, binary=binary), seconds=AMPLE) == ResponseLost(timed_out=False)


def test_two_codings_in_two_headers_are_two_codings(upstream: FaultyUpstream, transport: PooledTransport) -> None:
    twice = b"content-encoding: br\r\ncontent-encoding: gzip\r\n"
    content = gzip.compress(CONTENT)
    upstream.always(raw(b"HTTP/1.1 200 OK\r\n%scontent-length: %d\r\n\r\n%s" % (twice, len(content), content)))
    assert transport.send(asked(upstream.url), seconds=AMPLE) == ResponseLost(timed_out=False)


@pytest.fixture
def small_documents(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "MAX_DOCUMENT", LIMIT)


def announced(size: int, status: int = 200) -> Act:
    """The head of an answer of that size, and nothing more."""

    def act(connection: socket.socket, received: Received) -> bool:
        connection.sendall(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, size))
        return hang(connection, received)

    return act


def zeros(size: int) -> bytes:
    """So many, compressed."""
    return gzip.compress(bytes(size))


BEYOND: Final[dict[str, Act]] = {
    "by its length": announced(LIMIT + 1),
    "in chunks": chunked(*[bytes(500_000)] * 7),
    "when it is decoded": answer(200, zeros(LIMIT + 1), {"content-encoding": "gzip"}),
}


def test_a_bomb_takes_little_memory(upstream: FaultyUpstream, transport: PooledTransport) -> None:
    upstream.always(answer(200, zeros(60_000_000), {"content-encoding": "gzip"}))
    transport.send(asked(upstream.url, binary=True), seconds=AMPLE)
    tracemalloc.start()
    try:
        assert transport.send(asked(upstream.url, binary=True), seconds=AMPLE) == TooLarge()
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.usefixtures("small_documents")
@pytest.mark.parametrize("name", list(BEYOND))
def test_a_document_that_is_too_large_is_no_answer(
    upstream: FaultyUpstream, transport: PooledTransport, name: str
) -> None:
    upstream.always(BEYOND[name])
    assert transport.send(asked(upstream.url), seconds=AMPLE) == ResponseLost(timed_out=False)


@pytest.mark.parametrize("name", list(BEYOND))
def test_content_that_is_too_large_is_not_read_to_its_end(
    upstream: FaultyUpstream, transport: PooledTransport, name: str
) -> None:
    upstream.always(BEYOND[name])
    assert transport.send(asked(upstream.url, binary=True), seconds=AMPLE) == TooLarge()


@pytest.mark.usefixtures("small_documents")
def test_an_error_is_a_document_whatever_was_asked_for(upstream: FaultyUpstream, transport: PooledTransport) -> None:
    upstream.always(announced(LIMIT + 1, status=500))
    assert transport.send(asked(upstream.url, binary=True), seconds=AMPLE) == ResponseLost(timed_out=False)


@pytest.mark.usefixtures("small_documents")
@pytest.mark.parametrize("binary", [False, True])
def test_the_largest_answer_is_read_whole(
    upstream: FaultyUpstream, transport: PooledTransport, *, binary: bool
) -> None:
    for act in (answer(200, bytes(LIMIT)), answer(200, zeros(LIMIT), {"content-encoding": "gzip"})):
        upstream.always(act)
        body = replied(transport.send(asked(upstream.url, binary=binary), seconds=AMPLE)).body
        assert (body.size, body.read()) == (LIMIT, bytes(LIMIT))
        body.close()


def test_content_of_any_size_goes_to_the_disk_where_nothing_limits_it(upstream: FaultyUpstream) -> None:
    transport = PooledTransport(CLOCK)
    upstream.always(chunked(*[bytes(1_000_000)] * 40))
    body = replied(transport.send(asked(upstream.url, binary=True), seconds=AMPLE)).body
    assert (body.size, isinstance(body.source, bytes)) == (40_000_000, False)
    body.close()
    transport.close()


@pytest.mark.parametrize("size", [egress.IN_MEMORY + 1, 2_900_000])
def test_a_full_disk_is_a_lost_answer(
    upstream: FaultyUpstream, transport: PooledTransport, full: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda: full.open("wb+"))
    upstream.always(answer(200, bytes(size)))
    assert transport.send(asked(upstream.url), seconds=AMPLE) == ResponseLost(timed_out=False)


@pytest.fixture
def full() -> Path:
    """A file on which nothing more can be written."""
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("this system has no /dev/full")
    return device
