"""API Gateway before the gateway: with `Authorizer=AWS_IAM`, a call without a valid signature reaches nothing.

A signature is made again from what arrived, by botocore, as AWS does; and the time in it may be five minutes off.
"""

from __future__ import annotations

import contextlib
import threading
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.auth import SIGV4_TIMESTAMP, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Asks = Callable[[str, str, Mapping[str, str], bytes], bool]

REFUSED: Final = b'{"message":"Forbidden"}'
SKEW: Final = timedelta(minutes=5)


def signature_of(access_key: str, secret: str, region: str) -> Asks:
    """What `Authorizer=AWS_IAM` asks for."""

    def is_valid(method: str, url: str, headers: Mapping[str, str], body: bytes) -> bool:
        given = headers.get("authorization", "")
        moment = headers.get("x-amz-date", "19700101T000000Z")
        signed_at = datetime.strptime(moment, SIGV4_TIMESTAMP).replace(tzinfo=UTC)
        if "SignedHeaders=" not in given or abs(datetime.now(UTC) - signed_at) > SKEW:
            return False
        names = given.partition("SignedHeaders=")[2].partition(",")[0].split(";")
        request: Any = AWSRequest(method, url, {name: headers.get(name, "") for name in names}, body)
        request.context["timestamp"] = moment
        signer = SigV4Auth(Credentials(access_key, secret), "execute-api", region)
        text = signer.string_to_sign(request, signer.canonical_request(request))
        return given.endswith(f"Signature={signer.signature(text, request)}") and f"={access_key}/" in given

    return is_valid


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    asks: Asks
    to: Any

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not self.asks(self.command, f"http://{headers['host']}{self.path}", headers, body):
            self._answer(403, "application/json", REFUSED)
            return
        with contextlib.closing(HTTPConnection(self.to.hostname, self.to.port, timeout=20)) as gateway:
            gateway.request(self.command, self.path, body or None, headers | {"host": self.to.netloc})
            answer = gateway.getresponse()
            self._answer(answer.status, answer.getheader("content-type", ""), answer.read())

    do_GET = do_POST = do_DELETE = _pass  # noqa: N815 - the names that the base looks for

    def _answer(self, status: int, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", content_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's own
        pass


@contextlib.contextmanager
def authorizing(gateway_url: str, asks: Asks) -> Iterator[str]:
    """Serve before the gateway, and give the URL."""
    handler = type("Handler", (_Handler,), {"asks": staticmethod(asks), "to": urlsplit(gateway_url)})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
