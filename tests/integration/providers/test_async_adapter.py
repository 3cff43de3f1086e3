"""What holds for an awaited exchange: the rules of one that blocks, and no more time than it was given."""

from __future__ import annotations

import asyncio
import base64
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest

from tests.fakes.upstream import FaultyUpstream, answer, hang, hang_up, raw, trickle, trickle_headers
from tests.helpers.certificates import certified
from tests.integration.client.test_connections import Records
from tests.integration.providers.test_content import CODED, CONTENT, MISCODED
from tests.integration.providers.test_transport import SURPLUS, after
from vectorgate.providers.http.adapter import Pooling, Transport
from vectorgate.providers.http.async_adapter import AsyncTransport

if TYPE_CHECKING:
    from pathlib import Path

    from tests.fakes.upstream import Act

AMPLE: Final = 30.0
LITTLE: Final = 0.2


def asked(url: str, times: int = 1, *, pooling: Pooling | None = None, **client: Any) -> list[httpx.Response]:
    """The answers to so many requests, one after the other."""

    async def main() -> list[httpx.Response]:
        async with httpx.AsyncClient(transport=AsyncTransport(pooling), **{"timeout": AMPLE, **client}) as own:
            return [await own.get(url) for _ in range(times)]

    return asyncio.run(main())


@pytest.mark.parametrize("name", list(SURPLUS))
def test_what_stands_behind_an_answer_is_no_answer(upstream: FaultyUpstream, name: str) -> None:
    upstream.will(after(surplus=SURPLUS[name]))
    contents = [each.content for each in asked(upstream.url, 2)]
    assert contents == [b'{"for": "the first"}', b'{"for": "the next"}']
    assert (upstream.calls, upstream.connections) == (2, 2)


def test_a_connection_without_surplus_is_used_again(upstream: FaultyUpstream) -> None:
    upstream.will(after(surplus=b""), answer(500, b""), answer(404, b"x" * 100_000))
    assert [each.status_code for each in asked(upstream.url, 5)] == [200, 500, 404, 200, 200]
    assert (upstream.calls, upstream.connections) == (5, 1)


@pytest.mark.parametrize("act", [hang, trickle, trickle_headers], ids=lambda act: act.__name__)
def test_an_answer_that_does_not_come_to_an_end_ends_with_the_time(upstream: FaultyUpstream, act: Act) -> None:
    upstream.always(act)
    began = time.monotonic()
    with pytest.raises(httpx.ReadTimeout):
        asked(upstream.url, timeout=LITTLE)
    assert LITTLE <= time.monotonic() - began < LITTLE + 5.0


@pytest.mark.parametrize(
    ("act", "error"),
    [
        (hang_up, httpx.RemoteProtocolError),
        (raw(b"HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\n{"), httpx.RemoteProtocolError),
        (raw(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), httpx.RemoteProtocolError),
    ],
    ids=["nothing", "torn", "no HTTP"],
)
def test_what_the_network_does_is_an_error_of_httpx(upstream: FaultyUpstream, act: Act, error: type[Exception]) -> None:
    upstream.always(act)
    with pytest.raises(error):
        asked(upstream.url)


def test_nothing_that_listens_is_a_connect_error(upstream: FaultyUpstream) -> None:
    upstream.close()
    with pytest.raises(httpx.ConnectError):
        asked(upstream.url)


@pytest.mark.parametrize("name", list(CODED))
def test_what_is_compressed_unasked_is_read(upstream: FaultyUpstream, name: str) -> None:
    coding, content = CODED[name]
    upstream.always(answer(200, content, {"content-encoding": coding}))
    (answered,) = asked(upstream.url)
    assert (answered.content, "content-encoding" in answered.headers) == (CONTENT, False)


@pytest.mark.parametrize("name", list(MISCODED))
def test_what_cannot_be_decoded_is_no_answer(upstream: FaultyUpstream, name: str) -> None:
    coding, content = MISCODED[name]
    upstream.always(answer(200, content, {"content-encoding": coding}))
    with pytest.raises(httpx.DecodingError):
        asked(upstream.url)


def test_an_answer_leaves_a_client_nothing_to_follow_or_to_keep(upstream: FaultyUpstream) -> None:
    upstream.always(answer(302, b"", {"location": "/elsewhere", "set-cookie": "session=1"}))
    assert [each.status_code for each in asked(upstream.url, 2, follow_redirects=True)] == [302, 302]
    assert upstream.calls == 2
    assert not any("cookie" in received.headers for received in upstream.received)


def test_what_stands_behind_the_last_record_is_no_answer_in_both_forms(tmp_path: Path) -> None:
    pooling = Pooling(certificates=str(certified(tmp_path)))
    with closing(Records(tmp_path / "server.pem")) as server:
        with httpx.Client(transport=Transport(time.monotonic, pooling)) as client:
            answers = [client.get(f"{server.url}/vector_stores/vs_1") for _ in range(3)]
        answers += asked(f"{server.url}/vector_stores/vs_1", 3, pooling=pooling)
        assert [each.json()["id"] for each in answers] == ["vs_1"] * 6
        assert server.connections == 6


def test_a_server_whose_certificate_is_unknown_is_not_spoken_to(tmp_path: Path) -> None:
    with closing(Records(certified(tmp_path))) as server:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            asked(server.url)
        with httpx.Client(transport=Transport(time.monotonic)) as client, pytest.raises(httpx.ConnectError):
            client.get(server.url)


def test_a_proxy_is_used_where_it_is_named_and_given_its_user(upstream: FaultyUpstream) -> None:
    proxy = upstream.url.removesuffix("/v1").replace("://", "://some%40one:p%3Aw@")
    asked("http://gateway.example/v1/files", pooling=Pooling(proxy=proxy))
    (received,) = upstream.received
    assert received.path == "http://gateway.example/v1/files"
    assert received.headers["proxy-authorization"] == f"Basic {base64.b64encode(b'some@one:p:w').decode()}"
