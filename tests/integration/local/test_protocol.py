"""HTTP/1.1 as the server of local mode speaks it, byte by byte."""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING

import pytest

from local.server import bodies, listening, protocol
from tests.harnesses.local_server import answers_to, requested, result, serve
from vectorgate.api.http import Body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.entrypoints.lambda_http import LambdaResponse

OLD = "GET /v1/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"


def echo(event: Mapping[str, object]) -> LambdaResponse:
    """What the handler was given."""
    body = event["body"]
    content = body.read().decode("latin-1") if isinstance(body, Body) else None
    seen = {"path": event["rawPath"], "query": event["rawQueryString"], "headers": event["headers"], "body": content}
    return result(Body.of(json.dumps(seen).encode()))


@pytest.fixture(scope="module")
def port() -> int:
    return serve(echo)


def connected(port: int, *sent: bytes) -> socket.socket:
    """A connection on which these bytes were sent, in pieces."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    for piece in sent:
        connection.sendall(piece)
    return connection


def read_all(connection: socket.socket) -> bytes:
    """What is received until the server closes the connection."""
    with connection:
        return b"".join(iter(lambda: connection.recv(65536), b""))


def status_of(answer: bytes) -> int:
    """The status of the first answer, whose body has to be in the envelope of all others if it is an error."""
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    assert status < 400 or set(json.loads(body)["error"]) == {"message", "type", "param", "code"}
    return status


def seen_by_handler(answer: bytes) -> dict[str, object]:
    """What `echo` says of the request that was answered first."""
    assert status_of(answer) == 200
    seen: dict[str, object] = json.loads(answer.partition(b"\r\n\r\n")[2])
    return seen


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ntransfer-encoding: chunked", 400),
        ("POST /v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\ncontent-length: 4", 400),
        ("POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\ncontent-length: 4", 400),
        ("POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 4, 4", 400),
        ("POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: +4", 400),
        ("POST /v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked", 501),
        ("POST /v1/x HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip", 400),
        ("POST /v1/x HTTP/1.0\r\nhost: x\r\ntransfer-encoding: chunked", 400),
        ("GET /v1/x HTTP/1.1\r\nhost: x\r\nx-a: b\r\n c", 400),
        ("GET /v1/x HTTP/1.1\r\nhost : x", 400),
        ("GET /v1/x HTTP/1.1\r\nhost: x\r\nx-a: b\x00", 400),
        ("GET /v1/\xe9 HTTP/1.1\r\nhost: x", 400),
        ("CONNECT x:1 HTTP/1.1\r\nhost: x", 400),
        ("PRI * HTTP/2.0\r\n", 400),
        ("GET /v1/x HTTP/1.1\r\nhost: x\r\nx-name: \xff", 400),
    ],
)
def test_what_is_ambiguous_or_malformed_is_refused_and_the_connection_closed(port: int, head: str, status: int) -> None:
    request = head.encode("latin-1") + b"\r\n\r\n0\r\n\r\n"
    assert status_of(answers_to(port, request)) == status


def test_headers_are_utf_8_joined_where_repeated_and_without_those_that_could_be_taken_for_others(port: int) -> None:
    request = "GET /v1/x HTTP/1.1\r\nX-Name: \xe9\r\nx-a: 1\r\nX-A: 2\r\nx_a: 3\r\nconnection: close\r\n\r\n".encode()
    headers = seen_by_handler(answers_to(port, request))["headers"]
    assert headers == {"x-name": "é", "x-a": "1, 2", "connection": "close"}


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/v1/a%2fb%2Fc", "/v1/a%2Fb%2Fc", ""),
        ("/v1/%61?b=%63", "/v1/a", "b=%63"),
        ("/v1/%2561", "/v1/%61", ""),
        ("http://elsewhere/v1/x?y", "/v1/x", "y"),
        ("//v1/x", "//v1/x", ""),
        ("*", "*", ""),
    ],
)
def test_the_path_is_decoded_once_and_the_query_left_as_it_is(port: int, target: str, path: str, query: str) -> None:
    seen = seen_by_handler(answers_to(port, OLD.replace("/v1/x", target).encode()))
    assert (seen["path"], seen["query"]) == (path, query)


def test_pipelined_requests_are_answered_in_their_order(port: int) -> None:
    first = b"POST /v1/1 HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
    second = b"POST /v1/2 HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\nde\r\n0\r\nx-trailer: 1\r\n\r\n"
    answer = answers_to(port, first + second + OLD.encode())
    bodies_ = [json.loads(part.partition(b"HTTP/1.1")[0]) for part in answer.split(b"\r\n\r\n")[1:]]
    assert [(each["path"], each["body"]) for each in bodies_] == [("/v1/1", "abc"), ("/v1/2", "de"), ("/v1/x", None)]
    assert "x-trailer" not in bodies_[1]["headers"]


def test_what_is_no_request_behind_one_does_not_spoil_its_answer(port: int) -> None:
    answer = answers_to(port, b"GET /v1/x HTTP/1.1\r\nhost: x\r\n\r\nno request\r\n\r\n")
    assert answer.count(b"HTTP/1.1 ") == 1
    assert seen_by_handler(answer)["path"] == "/v1/x"


@pytest.mark.parametrize("name", ["Upgrade", "upgrade", "UPGRADE"])
def test_an_offer_to_upgrade_is_not_taken_up_and_the_body_arrives(port: int, name: str) -> None:
    head = (
        f"POST /v1/x HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, HTTP2-Settings\r\n{name}: h2c\r\ncontent-length: 3\r\n"
    )
    with connected(port, f"{head}\r\n".encode(), b"abc") as connection:
        assert seen_by_handler(connection.recv(65536))["body"] == "abc"
        connection.sendall(OLD.encode())
        assert seen_by_handler(read_all(connection))["path"] == "/v1/x"


def test_a_client_that_expects_100_continue_sends_its_body_then(port: int) -> None:
    head = b"POST /v1/x HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: 3\r\n\r\n"
    with connected(port, head) as connection:
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b"abc")
        assert seen_by_handler(read_all(connection))["body"] == "abc"


def test_a_large_body_goes_to_the_disk_and_is_whole(port: int) -> None:
    content = bytes(range(256)) * 4096 * 3
    head = f"POST /v1/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {len(content)}\r\n\r\n"
    seen = seen_by_handler(answers_to(port, head.encode() + content))
    assert seen["body"] == content.decode("latin-1")


def test_a_slow_head_has_a_deadline_however_its_bytes_come(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.4)
    connection = connected(port, b"GET /v1/x HTTP/1.1\r\n")
    began = time.monotonic()
    while time.monotonic() - began < 0.3:
        connection.sendall(b"x: y\r\n")
        time.sleep(0.05)
    assert status_of(read_all(connection)) == 408
    assert time.monotonic() - began < 10


@pytest.mark.parametrize("first", [OLD.replace("connection: close", "x: y").encode(), b""])
def test_blank_lines_and_half_a_second_head_have_the_deadline_as_well(
    port: int, monkeypatch: pytest.MonkeyPatch, first: bytes
) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.3)
    with connected(port, first) as connection:
        if first:
            assert seen_by_handler(connection.recv(65536))["path"] == "/v1/x"
        connection.sendall(b"\r\n\r\nGET")
        assert status_of(read_all(connection)) == 408


def test_a_body_that_stalls_or_trickles_is_given_up(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "STALL_SECONDS", 0.3)
    head = b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n"
    stalling = connected(port, head, b"a")
    trickling = connected(port, head)
    for _ in range(5):
        trickling.sendall(b"a")
        time.sleep(0.1)
    assert [status_of(read_all(each)) for each in (stalling, trickling)] == [408, 408]


def test_slow_heads_and_idle_connections_give_way_to_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "CONNECTIONS", 20)
    port = serve(echo)
    slow = [connected(port, b"GET / HTTP/1.1\r\n") for _ in range(100)]
    try:
        with requested(port, "/healthz") as answer:
            assert (answer.status, answer.read()) == (200, b'{"status":"ok"}')
    finally:
        for connection in slow:
            connection.close()


def test_a_connection_is_refused_when_all_others_are_at_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listening, "CONNECTIONS", 2)
    port = serve(echo)
    head = b"POST /v1/x HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\nconnection: close\r\n\r\n"
    busy = [connected(port, head), connected(port, head)]
    time.sleep(0.2)
    assert status_of(read_all(connected(port))) == 503
    for connection in busy:
        connection.sendall(b"abc")
        assert seen_by_handler(read_all(connection))["body"] == "abc"
