"""An AWS endpoint on a loopback socket that has an empty table, and credentials that run out."""

from __future__ import annotations

import json
import re
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self

CREDENTIALS = "/credentials"


@dataclass(frozen=True)
class Call:
    """A request: its action, and the access key that signed it."""

    action: str
    access_key: str


@dataclass
class AwsEndpoint:
    """The endpoint. `valid_s`: seconds for which each of the next credentials is valid, in their order."""

    valid_s: list[int]
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        endpoint = self

        class Handler(_Handler):
            """A handler that knows the endpoint."""

            aws = endpoint

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        """The endpoint's URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def environment(self) -> dict[str, str]:
        """How Lambda hands credentials to a function of SnapStart: by this URL, and not as keys."""
        return {
            "VECTORGATE_AWS_ENDPOINT": self.url,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.url + CREDENTIALS,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": "token",
        }

    def credentials(self) -> dict[str, str]:
        """The next credentials."""
        seconds = self.valid_s.pop(0)
        ends = datetime.now(UTC) + timedelta(seconds=seconds)
        made = {"AccessKeyId": f"VALID{seconds}", "SecretAccessKey": "s", "Token": "t"}
        return {**made, "Expiration": ends.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    aws: AwsEndpoint
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        """Give credentials."""
        assert self.path == CREDENTIALS
        self._noted("credentials")
        self._answer(self.aws.credentials())

    def do_POST(self) -> None:
        """Answer a call of DynamoDB, which has no items."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._noted(self.headers["X-Amz-Target"].rpartition(".")[2])
        self._answer({})

    def _noted(self, action: str) -> None:
        signed = re.search(r"Credential=(\w+)/", self.headers.get("Authorization", ""))
        self.aws.calls.append(Call(action, signed[1] if signed else ""))

    def _answer(self, document: dict[str, str]) -> None:
        content = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)
