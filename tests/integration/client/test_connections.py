"""Bytes behind a response are no part of the next one, in both forms; proxies get their credentials."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import socket
import ssl
import threading
import warnings
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.fakes.upstream import answer, raw
from tests.helpers.certificates import certified
from tests.integration.client.conftest import STORE
from vectorgate.client.client import Client
from vectorgate.client.errors import APIStatusError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fakes.upstream import Act, FaultyUpstream


def two_at_once() -> Act:
    """A store, and another one that was not requested."""
    body = json.dumps(STORE).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    return raw(head + body + head + body.replace(b"vs_1", b"vs_9"), reusable=True)


def test_a_call_does_not_get_bytes_that_were_sent_behind_the_last_response(
    gateway: Client, server: FaultyUpstream
) -> None:
    server.will(two_at_once())
    assert [gateway.vector_stores.retrieve("vs_1").id for _ in range(2)] == ["vs_1", "vs_1"]
    assert (server.calls, server.connections) == (2, 2)


def test_an_awaited_call_does_not_either(server: FaultyUpstream) -> None:
    server.will(two_at_once())

    async def main() -> list[str]:
        async with Client(base_url=server.url, api_key="sk-gate") as client:
            return [(await client.vector_stores.aretrieve("vs_1")).id for _ in range(2)]

    assert asyncio.run(main()) == ["vs_1", "vs_1"]
    assert (server.calls, server.connections) == (2, 2)


class Records:
    """A server of HTTPS that answers with the first text, and sends the second one in the same segment."""

    def __init__(self, certificate: Path) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        came, goes = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = self._context.wrap_bio(came, goes, server_side=True)

        def done(act: Callable[[], object]) -> object:
            while True:
                try:
                    return act()
                except ssl.SSLWantReadError:
                    connection.sendall(goes.read())
                    came.write(connection.recv(65_536) or b"\0")

        with closing(connection):
            try:
                done(tls.do_handshake)
                while done(lambda: tls.read(65_536)):
                    for name in (b"vs_1", b"vs_9"):
                        body = json.dumps(STORE).encode().replace(b"vs_1", name)
                        tls.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
                    connection.sendall(goes.read())
            except OSError:
                return


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Records]:
    certificate = certified(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with closing(Records(certificate)) as server:
        yield server


def test_a_tls_record_behind_a_response_is_dropped_in_both_forms(records: Records) -> None:
    with Client(base_url=records.url, api_key="k", max_retries=0) as client:
        assert [client.vector_stores.retrieve("vs_1").id for _ in range(3)] == ["vs_1"] * 3

    async def main() -> list[str]:
        async with Client(base_url=records.url, api_key="k", max_retries=0) as client:
            return [(await client.vector_stores.aretrieve("vs_1")).id for _ in range(3)]

    assert asyncio.run(main()) == ["vs_1"] * 3
    assert records.connections == 6


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_proxy_gets_the_credentials_in_its_url(
    server: FaultyUpstream, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1").replace("://", "://some%40one:p%3Aw@"))
    with Client(base_url="http://gateway.example/v1", api_key="k") as client:
        if form == "sync":
            client.vector_stores.retrieve("vs_1")
        else:
            asyncio.run(client.vector_stores.aretrieve("vs_1"))
    (received,) = server.received
    assert received.path == "http://gateway.example/v1/vector_stores/vs_1"
    assert received.headers["proxy-authorization"] == f"Basic {base64.b64encode(b'some@one:p:w').decode()}"


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_proxy_of_another_kind_is_a_settings_error(monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("http_proxy", "socks5://127.0.0.1:9")
    with Client(base_url="http://gateway.example/v1", api_key="k") as client:
        act = client.vector_stores.retrieve
        with pytest.raises(SettingsError, match="proxies of this kind are not supported: socks5"):
            act("vs_1") if form == "sync" else asyncio.run(client.vector_stores.aretrieve("vs_1"))


def test_a_host_in_no_proxy_is_reached_without_it(server: FaultyUpstream, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with Client(base_url=server.url, api_key="k", max_retries=0) as client:
        assert client.vector_stores.retrieve("vs_1").id == "vs_1"
        assert asyncio.run(client.vector_stores.aretrieve("vs_1")).id == "vs_1"


@pytest.mark.parametrize("form", ["sync", "async"])
def test_no_cookie_is_kept_and_no_redirect_followed(server: FaultyUpstream, form: str) -> None:
    elsewhere = {"location": server.url + "/elsewhere", "set-cookie": "a=b; Path=/"}
    server.will(answer(307, {}, elsewhere))
    with Client(base_url=server.url, api_key="k") as client:

        def retrieve() -> object:
            stores = client.vector_stores
            return stores.retrieve("vs_1") if form == "sync" else asyncio.run(stores.aretrieve("vs_1"))

        with pytest.raises(APIStatusError) as error:
            retrieve()
        assert error.value.status_code == 307
        retrieve()
    assert [received.path for received in server.received] == ["/v1/vector_stores/vs_1"] * 2
    assert not any("cookie" in received.headers for received in server.received)


@pytest.mark.parametrize("form", ["sync", "async"])
def test_a_user_name_in_the_base_url_does_not_displace_the_key(server: FaultyUpstream, form: str) -> None:
    with Client(base_url=server.url.replace("://", "://name:word@"), api_key="k") as client:
        stores = client.vector_stores
        _ = stores.retrieve("vs_1") if form == "sync" else asyncio.run(stores.aretrieve("vs_1"))
    assert server.received[0].headers["authorization"] == "Bearer k"


def test_a_request_carries_no_headers_but_the_sdk_s_own(gateway: Client, server: FaultyUpstream) -> None:
    gateway.vector_stores.create(name="n")
    ours = {"accept", "accept-encoding", "authorization", "content-length", "content-type", "host", "idempotency-key"}
    assert set(server.received[0].headers) == ours | {"openai-beta", "user-agent"}
    assert server.received[0].headers["accept-encoding"] == "identity"


def test_connections_are_reused_and_closed_with_the_client(server: FaultyUpstream) -> None:
    client = Client(base_url=server.url, api_key="k")
    for _ in range(3):
        client.vector_stores.retrieve("vs_1")
    assert server.connections == 1
    client.close()
    client.vector_stores.retrieve("vs_1")
    assert server.connections == 2
    client.close()


def test_a_child_process_opens_connections_of_its_own(gateway: Client, server: FaultyUpstream) -> None:
    gateway.vector_stores.retrieve("vs_1")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of a fork beside the server's threads
        child = os.fork()
    if child == 0:
        try:
            gateway.vector_stores.retrieve("vs_1")
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    gateway.vector_stores.retrieve("vs_1")
    assert (server.calls, server.connections) == (3, 2)
