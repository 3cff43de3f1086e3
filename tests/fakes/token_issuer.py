"""An OpenID provider on loopback: its discovery document, its public keys, and tokens that it signs."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm

from tests.helpers.certificates import certified

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DISCOVERY: Final = "/.well-known/openid-configuration"
KEYS: Final = "/of/its/own/keys"
KID: Final = "key-1"
AUDIENCE: Final = "gateway"


def made_key() -> rsa.RSAPrivateKey:
    """A key of an issuer."""
    return rsa.generate_private_key(65537, 2048)


class TokenIssuer:
    """What it says and signs. `certificate`: to know its server by. `asked`: the paths that were read."""

    def __init__(self, url: str, certificate: Path) -> None:
        self.url = url
        self.certificate = certificate
        self.key = made_key()
        self.asked: list[str] = []

    def token(self, *, key: Any = None, algorithm: str = "RS256", kid: str | None = KID, **claims: Any) -> str:
        """A token of a minute ago for ten minutes. None leaves a claim out. `key`: another than the issuer's."""
        now = int(time.time())
        whole = {"iss": self.url, "sub": "ann", "aud": AUDIENCE, "iat": now - 60, "nbf": now - 60, "exp": now + 600}
        said = {name: value for name, value in (whole | claims).items() if value is not None}
        headers = {"kid": kid} if kid is not None else {}
        signer: Any = None if algorithm == "none" else key or self.key
        return jwt.encode(said, signer, algorithm, headers)

    def document(self, path: str) -> Any:
        """What it answers. None for what it does not have."""
        self.asked.append(path)
        return {
            DISCOVERY: {"issuer": self.url, "jwks_uri": self.url + KEYS},
            KEYS: {"keys": [{**RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True), "kid": KID, "use": "sig"}]},
        }.get(path)


class _Handler(BaseHTTPRequestHandler):
    issuer: TokenIssuer

    def do_GET(self) -> None:
        document = self.issuer.document(self.path)
        self.send_response(404 if document is None else 200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(document).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own
        pass


@contextlib.contextmanager
def issuing(folder: Path) -> Iterator[TokenIssuer]:
    """Serve over HTTPS, as an issuer has to. Its certificate is in the folder."""
    certificate = certified(folder)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        server.socket = context.wrap_socket(server.socket, server_side=True)
        issuer = TokenIssuer(f"https://127.0.0.1:{server.server_address[1]}", certificate)
        handler.issuer = issuer  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield issuer
        finally:
            server.shutdown()
