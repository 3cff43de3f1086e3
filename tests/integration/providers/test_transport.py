"""One attempt over real sockets: what a connection holds, how long it may take, and what is taken for an answer."""

from __future__ import annotations

import base64
import gzip
import io
import logging
import os
import socket
import tempfile
import threading
import time
import tracemalloc
import zlib
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.fakes.upstream import FaultyUpstream, answer, chunked, hang, raw
from vectorgate.api.http import Body, FileUpload
from vectorgate.clock import Clock
from vectorgate.providers.base import UpstreamRequest
from vectorgate.providers.http import adapter
from vectorgate.providers.http import transport as egress
from vectorgate.providers.http.outcome import NotSent, Replied, ResponseLost, TooLarge
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.upstream import Act, Received
    from vectorgate.providers.base import UpstreamResponse
    from vectorgate.providers.http.outcome import Outcome

AMPLE: Final = 30.0  # seconds that no attempt here comes near to
LITTLE: Final = 0.2
LIMIT: Final = 3_000_000
CONTENT: Final = b"what was compressed, " * 10_000
CLOCK: Final = Clock(wall=time.time, monotonic=time.monotonic, sleep=time.sleep)


@pytest.fixture
def upstream() -> Iterator[FaultyUpstream]:
    with FaultyUpstream(answer(200, {"for": "the next"})) as upstream:
        yield upstream


@pytest.fixture
def transport() -> Iterator[PooledTransport]:
    transport = PooledTransport(CLOCK, most_content=LIMIT)
    yield transport
    transport.close()


def asked(url: str, *, binary: bool = False) -> UpstreamRequest:
    return UpstreamRequest(method="GET", url=url + "/files/file-1/content", headers={}, binary=binary)


def replied(outcome: Outcome) -> UpstreamResponse:
    assert isinstance(outcome, Replied), outcome
    return outcome.response


# What a connection holds


def after(*, surplus: bytes, content: bytes = b'{"for": "the first"}') -> Act:
    """An answer, with more behind it in the same segment."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(content)
    return raw(head + content + surplus, reusable=True)


SURPLUS: Final = {
    "a whole answer": b'HTTP/1.1 200 OK\r\ncontent-length: 17\r\n\r\n{"for": "no one"}',
    "a part of an answer": b"HTTP/1.1 200 OK\r\ncontent-le",
    "a length too short": b', "more": 1}',
    "an empty line": b"\r\n",
}


@pytest.mark.parametrize("name", list(SURPLUS))
def test_bytes_behind_an_answer_are_given_to_no_caller(
    upstream: FaultyUpstream, transport: PooledTransport, name: str
) -> None:
    upstream.will(after(surplus=SURPLUS[name]))
    assert replied(transport.send(asked(upstream.url), seconds=AMPLE)).body.read() == b'{"for": "the first"}'
    assert replied(transport.send(asked(upstream.url), seconds=AMPLE)).body.read() == b'{"for": "the next"}'
    assert (upstream.calls, upstream.connections) == (2, 2)


def test_what_stands_behind_the_last_chunk_is_no_answer(upstream: FaultyUpstream, transport: PooledTransport) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    upstream.will(raw(head + b"2\r\n{}\r\n0\r\n\r\n" + SURPLUS["a whole answer"], reusable=True))
    assert replied(transport.send(asked(upstream.url), seconds=AMPLE)).body.read() == b"{}"
    assert replied(transport.send(asked(upstream.url), seconds=AMPLE)).body.read() == b'{"for": "the next"}'
    assert upstream.connections == 2


def test_what_comes_late_is_no_answer(upstream: FaultyUpstream, transport: PooledTransport) -> None:
    held: list[socket.socket] = []

    def hold(connection: socket.socket, received: Received) -> bool:
        held.append(connection)
        return after(surplus=b"")(connection, received)

    upstream.will(hold)
    transport.send(asked(upstream.url), seconds=AMPLE)
    held[0].sendall(SURPLUS["a whole answer"])
    assert replied(transport.send(asked(upstream.url), seconds=AMPLE)).body.read() == b'{"for": "the next"}'
    assert upstream.connections == 2


def test_a_connection_without_surplus_is_used_again(upstream: FaultyUpstream, transport: PooledTransport) -> None:
    upstream.will(after(surplus=b""), answer(500, b""), answer(404, b"x" * 100_000))
    for _ in range(5):
        replied(transport.send(asked(upstream.url), seconds=AMPLE))
    assert (upstream.calls, upstream.connections) == (5, 1)


def test_a_process_that_was_forked_has_connections_of_its_own(
    upstream: FaultyUpstream, transport: PooledTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    transport.send(asked(upstream.url), seconds=AMPLE)
    with monkeypatch.context() as child:
        child.setattr(os, "getpid", lambda: -1)
        for _ in range(2):
            replied(transport.send(asked(upstream.url), seconds=AMPLE))
        transport.close()
    replied(transport.send(asked(upstream.url), seconds=AMPLE))
    assert upstream.connections == 2


# What an answer, the environment and a URL have a part in: nothing


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_an_answer_leaves_a_client_nothing_to_follow_or_to_keep(upstream: FaultyUpstream, status: int) -> None:
    """Not even one that would: httpx's, with its defaults, and set to follow."""
    upstream.always(answer(status, b"", {"location": "/elsewhere", "set-cookie": "session=1"}))
    connections = adapter.Transport(time.monotonic)
    with httpx.Client(transport=connections, follow_redirects=True) as client:
        answers = [client.get(upstream.url) for _ in range(2)]
        assert [each.status_code for each in answers] == [status, status]
        assert not client.cookies
    assert upstream.calls == 2
    assert not any("cookie" in received.headers for received in upstream.received)


@pytest.mark.parametrize("location", ["/elsewhere", "http://[", "http://a:b", "\xff"])
def test_a_redirect_is_an_answer_like_any_other(
    upstream: FaultyUpstream, transport: PooledTransport, location: str
) -> None:
    upstream.always(answer(302, b"moved", {"location": location, "set-cookie": "session=1"}))
    for _ in range(2):
        assert replied(transport.send(asked(upstream.url), seconds=AMPLE)).status == 302
    assert not any("cookie" in received.headers for received in upstream.received)


def test_what_is_created_may_say_where_it_is(upstream: FaultyUpstream, transport: PooledTransport) -> None:
    upstream.always(answer(201, b"{}", {"location": "/there"}))
    assert replied(transport.send(asked(upstream.url), seconds=AMPLE)).headers["location"] == "/there"


def test_a_request_has_the_headers_that_it_was_given_and_no_others(
    upstream: FaultyUpstream, transport: PooledTransport
) -> None:
    host = upstream.url.split("/")[2]
    url = upstream.url.replace("://", "://user:password@") + "/stores"
    request = UpstreamRequest(method="POST", url=url, headers={"x-own": "é"}, content=b"{}")
    transport.send(request, seconds=AMPLE)
    assert upstream.received[0].headers == {
        "host": host,
        "x-own": "é",
        "content-length": "2",
        "accept-encoding": "identity",
    }


@pytest.mark.parametrize(
    ("method", "content", "length"),
    [("GET", None, None), ("DELETE", None, None), ("POST", None, "0"), ("POST", b"", "0"), ("DELETE", b"{}", "2")],
)
def test_a_request_says_how_long_its_content_is(
    upstream: FaultyUpstream, transport: PooledTransport, method: str, content: bytes | None, length: str | None
) -> None:
    transport.send(UpstreamRequest(method=method, url=upstream.url, headers={}, content=content), seconds=AMPLE)
    assert upstream.received[0].headers.get("content-length") == length


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:port/v1", "http://[::/v1", "http://a\tb/v1", "ftp://127.0.0.1/v1", "/v1"]
)
def test_a_url_that_means_nothing_is_not_sent_to(transport: PooledTransport, url: str) -> None:
    assert transport.send(asked(url), seconds=AMPLE) == NotSent(timed_out=False)


def test_no_url_goes_to_the_log(
    upstream: FaultyUpstream, transport: PooledTransport, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    replied(transport.send(asked(upstream.url), seconds=AMPLE))
    assert caplog.records == []


def test_a_proxy_is_used_where_it_is_named_and_given_its_user(upstream: FaultyUpstream) -> None:
    proxy = upstream.url.removesuffix("/v1").replace("://", "://some%40one:p%3Aw@")
    with httpx.Client(transport=adapter.Transport(time.monotonic, adapter.Pooling(proxy=proxy))) as client:
        assert client.get("http://gateway.example/v1/files").status_code == 200
    (received,) = upstream.received
    assert received.path == "http://gateway.example/v1/files"
    assert received.headers["proxy-authorization"] == f"Basic {base64.b64encode(b'some@one:p:w').decode()}"


# How long an attempt may take


class Names:
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
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[Names]:
    names = Names(monkeypatch)
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
    names: Names, dead: Callable[[str, int], None], transport: PooledTransport, upstream: FaultyUpstream
) -> None:
    port = int(upstream.url.split(":")[2].partition("/")[0])
    names.addresses["dead.test"] = [f"127.0.0.{last}" for last in range(2, 7)]
    for address in names.addresses["dead.test"]:
        dead(address, port)
    assert transport.send(asked(f"http://dead.test:{port}/v1"), seconds=LITTLE) == NotSent(timed_out=True)
    assert names.tried == ["127.0.0.2"]


def test_an_address_that_does_not_answer_leaves_time_for_the_next(
    names: Names,
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


def test_a_resolver_that_does_not_answer_is_not_waited_for(names: Names, transport: PooledTransport) -> None:
    assert transport.send(asked("http://waits.test/v1"), seconds=LITTLE) == NotSent(timed_out=True)
    assert not names.waits.is_set()
    assert names.tried == []


@pytest.mark.parametrize("host", ["unknown.test", "a..b", f"{'a' * 64}.test"])
def test_a_name_that_means_nothing_is_not_sent_to(names: Names, transport: PooledTransport, host: str) -> None:
    assert transport.send(asked(f"http://{host}/v1"), seconds=AMPLE) == NotSent(timed_out=False)
    assert names.tried == []


@pytest.mark.parametrize("seconds", [0.0, -0.5])
def test_without_time_nothing_is_begun(upstream: FaultyUpstream, transport: PooledTransport, seconds: float) -> None:
    replied(transport.send(asked(upstream.url), seconds=AMPLE))
    upstream.forget()
    assert transport.send(asked(upstream.url), seconds=seconds) == NotSent(timed_out=True)
    assert upstream.calls == 0


# Content that is coded although none was asked for


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


# How large an answer may be


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


# How a file is sent


class Spooled(io.BytesIO):
    """A file on disk, which knows the largest piece of it that was in memory at once."""

    largest = 0

    def read(self, size: int | None = -1, /) -> bytes:
        piece = super().read(size)
        self.largest = max(self.largest, len(piece))
        return piece


def uploading(url: str, upload: FileUpload) -> UpstreamRequest:
    return UpstreamRequest(method="POST", url=f"{url}/files", headers={"x-own": "1"}, content=upload)


def test_a_file_is_sent_in_pieces_and_again_from_its_beginning(
    upstream: FaultyUpstream, transport: PooledTransport
) -> None:
    content = bytes(range(256)) * 20_000
    file = Spooled(content)
    upload = FileUpload({"purpose": "assistants"}, "ä.bin", "application/x-thing", Body(len(content), file))
    for _ in range(2):
        assert replied(transport.send(uploading(upstream.url, upload), seconds=AMPLE)).status == 200
    boundaries = [received.headers["content-type"].rpartition("=")[2] for received in upstream.received]
    for received, boundary in zip(upstream.received, boundaries, strict=True):
        named = b'Content-Disposition: form-data; name="%b"'
        purpose = named % b"purpose" + b"\r\n\r\nassistants\r\n"
        whole = named % b"file" + '; filename="ä.bin"\r\nContent-Type: application/x-thing\r\n\r\n'.encode() + content
        parts = [b"--%b\r\n" % boundary.encode() + part for part in (purpose, whole)]
        assert received.body == b"".join([*parts, b"\r\n--%b--\r\n" % boundary.encode()])
        assert received.headers["content-length"] == str(len(received.body))
        assert "transfer-encoding" not in received.headers
        assert received.headers["x-own"] == "1"
    assert (file.largest, file.closed) == (64 * 1024, False)
    assert len(set(boundaries)) == 2


def test_a_boundary_is_of_the_entropy_that_was_handed_in(upstream: FaultyUpstream) -> None:
    upload = FileUpload({}, "a", "text/plain", Body.of(b"content"), name="data")
    with closing(PooledTransport(CLOCK, entropy=lambda size: b"\xab" * size)) as transport:
        transport.send(uploading(upstream.url, upload), seconds=AMPLE)
    (received,) = upstream.received
    assert received.headers["content-type"] == f"multipart/form-data; boundary={'ab' * 16}"
    assert b'name="data"; filename="a"\r\nContent-Type: text/plain\r\n\r\ncontent\r\n' in received.body


@pytest.fixture
def full() -> Path:
    """A file on which nothing more can be written."""
    device = Path("/dev/full")
    if not device.exists():
        pytest.skip("this system has no /dev/full")
    return device
