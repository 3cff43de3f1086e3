"""What a server sends behind an answer is nobody's, in both forms of the SDK; and who uses a proxy is told to it."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import ssl
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.fakes.upstream import raw
from tests.integration.client.conftest import STORE
from tests.integration.client.test_tls import certified
from vectorgate.client.client import Client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fakes.upstream import Act, FaultyUpstream


def two_at_once() -> Act:
    """A store, and another one that nobody asked for."""
    body = json.dumps(STORE).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
    return raw(head + body + head + body.replace(b"vs_1", b"vs_9"), reusable=True)


def test_a_call_does_not_get_what_was_sent_behind_the_last_answer(gateway: Client, server: FaultyUpstream) -> None:
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
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._door.getsockname()[1]}/v1"
        self.connections = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._door.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._door.accept()
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


def test_a_record_behind_the_last_one_of_an_answer_is_nobodys_in_both_forms(records: Records) -> None:
    with Client(base_url=records.url, api_key="k", max_retries=0) as client:
        assert [client.vector_stores.retrieve("vs_1").id for _ in range(3)] == ["vs_1"] * 3

    async def main() -> list[str]:
        async with Client(base_url=records.url, api_key="k", max_retries=0) as client:
            return [(await client.vector_stores.aretrieve("vs_1")).id for _ in range(3)]

    assert asyncio.run(main()) == ["vs_1"] * 3
    assert records.connections == 6


@pytest.mark.parametrize("form", ["waiting", "awaited"])
def test_a_proxy_is_told_who_uses_it(server: FaultyUpstream, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1").replace("://", "://some%40one:p%3Aw@"))
    with Client(base_url="http://gateway.example/v1", api_key="k") as client:
        if form == "waiting":
            client.vector_stores.retrieve("vs_1")
        else:
            asyncio.run(client.vector_stores.aretrieve("vs_1"))
    (received,) = server.received
    assert received.path == "http://gateway.example/v1/vector_stores/vs_1"
    assert received.headers["proxy-authorization"] == f"Basic {base64.b64encode(b'some@one:p:w').decode()}"
