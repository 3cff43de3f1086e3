"""One attempt over real sockets: what a connection holds, how long it may take, and what is taken for an answer."""

from __future__ import annotations

import base64
import io
import logging
import os
import time
from contextlib import closing
from typing import TYPE_CHECKING, Final

import httpx
import pytest

from tests.fakes.upstream import FaultyUpstream, answer, raw
from tests.integration.providers.conftest import CLOCK
from vectorgate.api.http import Body, FileUpload
from vectorgate.providers.base import UpstreamRequest
from vectorgate.providers.http import adapter
from vectorgate.providers.http.outcome import NotSent, Replied
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    import socket

    from tests.fakes.upstream import Act, Received
    from vectorgate.providers.base import UpstreamResponse
    from vectorgate.providers.http.outcome import Outcome

AMPLE: Final = 30.0  # seconds that no attempt here comes near to


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
