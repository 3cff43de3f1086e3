"""Requests and responses, as far as WSGI needs help: JSON bodies with their limits, headers, streams."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl
from wsgiref.util import FileWrapper

from local.upstream import errors

# The largest batch the schema allows (2,000 files with 16 attributes of 64 + 512 characters) is under this.
MAX_JSON_BYTES = 32 * 2**20
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed"}
REASONS |= {413: "Content Too Large", 500: "Internal Server Error"}


@dataclass(frozen=True, slots=True)
class Request:
    """One call: what routing found, and the body not yet read."""

    method: str
    path: str
    query: Mapping[str, str]
    content_type: str
    length: int
    stream: IO[bytes]
    ids: tuple[str, ...] = ()

    @property
    def first(self) -> str:
        """The first id of the path."""
        return self.ids[0]

    @property
    def second(self) -> str:
        """The second id of the path."""
        return self.ids[1]

    def json(self) -> object:
        """The body, parsed strictly; no body is the empty object."""
        if self.length == 0:
            return {}
        if self.content_type.lower() != "application/json":
            # Exactly so: OpenAI refuses a charset here.
            raise errors.Invalid(
                f"Unsupported content type: '{self.content_type}'. This API method only accepts 'application/json' "
                "requests, but you specified a different content type.",
                code="unsupported_content_type",
            )
        if self.length > MAX_JSON_BYTES:
            raise errors.TooLarge(f"The request body is larger than {MAX_JSON_BYTES} bytes.")
        return parse_json(self.stream.read(self.length))


@dataclass(frozen=True, slots=True)
class Response:
    """A status and a body: a JSON value, or a file to stream."""

    status: int
    body: object = None
    file: Path | None = None


def parse_json(data: bytes) -> object:
    """JSON, without what Python adds to it (NaN, lone surrogates) or dies of (depth)."""
    try:
        value = json.loads(data, parse_constant=_refuse, parse_float=_finite)
        json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise errors.unparsable() from None
    if not isinstance(value, dict):
        raise errors.unparsable()
    return value


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _finite(literal: str) -> float:
    number = float(literal)
    if not math.isfinite(number):
        raise ValueError(literal)
    return number


def read_request(environ: Mapping[str, Any]) -> Request:
    """The request of a WSGI environment."""
    length = environ.get("CONTENT_LENGTH") or "0"
    return Request(
        method=environ["REQUEST_METHOD"],
        path=environ.get("PATH_INFO", ""),
        query=dict(parse_qsl(environ.get("QUERY_STRING", ""), keep_blank_values=True, errors="replace")),
        content_type=environ.get("CONTENT_TYPE", ""),
        length=int(length) if length.isdigit() else 0,
        stream=environ["wsgi.input"],
    )


def encode(response: Response, environ: Mapping[str, Any]) -> tuple[list[tuple[str, str]], Iterable[bytes]]:
    """Headers and body of a response."""
    if response.file is not None:
        size = response.file.stat().st_size
        wrapper = environ.get("wsgi.file_wrapper", FileWrapper)
        stream: Iterable[bytes] = wrapper(response.file.open("rb"))
        return [("Content-Type", "application/octet-stream"), ("Content-Length", str(size))], stream
    body = json.dumps(response.body, allow_nan=False).encode()
    return [("Content-Type", "application/json"), ("Content-Length", str(len(body)))], [body]
