"""One request as the application sees it, and its event; and what is told about it when it has been answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from vectorgate.api.errors import InvalidRequest
from vectorgate.api.http import EMPTY, Body
from vectorgate.entrypoints.lambda_http import UNENCODED_BODY, path_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.types import Scope


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """What stands before the body. `raw_path` as it was sent, `path` decoded; names of headers in lower case.

    `client`: the address of the sender, without its port.
    """

    method: str
    raw_path: str
    path: str
    query: str
    headers: Mapping[str, str]
    http_version: str
    client: str

    @classmethod
    def of(cls, scope: Scope) -> Head:
        """The head of ASGI's request. InvalidRequest for headers that are not UTF-8."""
        raw_path = scope["raw_path"].decode("ascii")
        return cls(
            method=scope["method"],
            raw_path=raw_path,
            path=path_of(raw_path),
            query=scope["query_string"].decode("ascii"),
            headers=headers_of(scope["headers"]),
            http_version=scope["http_version"],
            client=scope["client"][0] if scope["client"] else "",
        )

    @property
    def has_body(self) -> bool:
        """Whether a body follows."""
        return "transfer-encoding" in self.headers or self.headers.get("content-length", "0") != "0"

    def event(self, body: Body) -> dict[str, object]:
        """The request as an event of payload format 2.0, except that the body stays where the server spooled it."""
        return {
            "version": "2.0",
            "rawPath": self.path,
            "rawQueryString": self.query,
            "queryStringParameters": dict(parse_qsl(self.query, keep_blank_values=True)) if self.query else {},
            "headers": self.headers,
            "requestContext": {"http": {"method": self.method, "path": self.path}},
            "body": None if body is EMPTY else body,
            "isBase64Encoded": False,
            UNENCODED_BODY: Body,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A request that was answered, or whose client disconnected before: for an access log.

    `head` None: it was not read as far. `status` None: no answer was begun. `sent`: bytes of the answer's body, and
    `whole` whether that was all of it. `request_id`: the answer's `x-request-id`.
    """

    head: Head | None
    status: int | None
    request_id: str | None
    sent: int
    whole: bool
    seconds: float


def headers_of(fields: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by name: repeated ones joined, as API Gateway joins them. InvalidRequest for what is not UTF-8.

    A name with an underscore is left out: for some servers it is another name with a hyphen, which could not be told
    from the real one.
    """
    headers: dict[str, str] = {}
    for field, content in fields:
        name, value = field.decode("ascii"), _text(field, content)
        if "_" not in name:
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _text(name: bytes, value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        header = name.decode("ascii")
        message = f"The header '{header}' is not valid UTF-8."
        raise InvalidRequest(message, code="invalid_header", param=header) from None
