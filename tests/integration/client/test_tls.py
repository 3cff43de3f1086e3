"""HTTPS, in both forms: a server whose certificate is known is spoken to, any other is not."""

from __future__ import annotations

import asyncio
import http.server
import json
import ssl
import threading
from typing import TYPE_CHECKING

import pytest

import vectorgate
from tests.helpers.certificates import certified
from tests.integration.client.conftest import STORE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers anything with a store."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        body = json.dumps(STORE).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A server's URL and the certificate to know it by."""
    path = certified(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"https://127.0.0.1:{server.server_address[1]}/v1", path
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_known_certificate_is_spoken_to_in_both_forms(
    secure: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, path = secure
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with vectorgate.Client(base_url=url, api_key="k") as client:
        assert client.vector_stores.retrieve("vs_1").id == "vs_1"

        async def main() -> str:
            async with vectorgate.Client(base_url=url, api_key="k") as other:
                return (await other.vector_stores.aretrieve("vs_1")).id

        assert asyncio.run(main()) == "vs_1"


def test_an_unknown_certificate_is_not(secure: tuple[str, Path]) -> None:
    url, _ = secure
    with (
        vectorgate.Client(base_url=url, api_key="k", max_retries=0) as client,
        pytest.raises(vectorgate.APIConnectionError) as error,
    ):
        client.vector_stores.retrieve("vs_1")
    assert not error.value.outcome_unknown
