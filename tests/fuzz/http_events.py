"""API Gateway's events (payload format 2.0) of valid requests, damaged at random."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from tests.factories.requests import request_for
from tests.fuzz import hostile
from vectorgate.api.http import Body, Request
from vectorgate.api.operations import OPERATIONS

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

KEY: Final = "sk-fuzzing"
IDS: Final = {
    "vector_store_id": "vs_fuzz",
    "file_id": "file-fuzz",
    "batch_id": "vsfb_fuzz",
    "upload_id": "upload_fuzz",
    "response_id": "resp_fuzz",
    "model": "fuzz-model",
}
OPENAPI: Final = Path(__file__).parents[2] / "openapi.json"
PATH_PARTS: Final = (
    "/",
    "..",
    "%2f",
    "%00",
    "%25",
    ";",
    "//",
    "?",
    "#",
    "%5c",
    "é",
    " ",
    "'",
    "vs_x",
    "\ud800",
    "/v1",
    "/share",
)
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "TRACE", "", "get", "OPTIONS", "HEAD", "\x00")
HEADERS: Final = (
    *(
        "content-type",
        "authorization",
        "x-litellm-tags",
        "x-litellm-end-user-id",
        "custom-llm-provider",
        "idempotency-key",
    ),
    *(
        "openai-organization",
        "openai-beta",
        "accept",
        "origin",
        "content-length",
        "x-litellm-timeout",
        "api-key",
        "cookie",
    ),
)
TYPES: Final = (
    "application/json",
    "text/plain",
    "multipart/form-data",
    "multipart/form-data; boundary=\xff",
    "application/json; charset=utf-16",
)
QUERY: Final = (
    *(
        "limit",
        "order",
        "after",
        "before",
        "filter",
        "purpose",
        "api_base",
        "include",
        "start_date",
        "end_date",
        "page",
        "cursor",
    ),
    *(
        "team_id",
        "key",
        "user_id",
        "api_key",
        "request_id",
        "bucket_width",
        "start_time",
        "group_by",
        "status",
        "size",
        "format",
    ),
)
DATES: Final = (
    "2026-03-01",
    "2026-02-30",
    "0000-00-00",
    "1970-01-01T00:00:00Z",
    "9999-12-31",
    "-1",
    "1e3",
    "99999999999999999999",
)


def to_clients(rng: random.Random) -> dict[str, Any]:
    """An event for the clients' function."""
    return event_of(_with_faults(request_for(rng.choice(OPERATIONS), IDS, key=KEY), rng), rng)


def to_administrators(key: str, rng: random.Random) -> dict[str, Any]:
    """An event for the admin function: an operation of the reference, with a document for its body."""
    method, path = rng.choice(_administration())
    path = re.sub(r"\{\w+\}", lambda _: rng.choice(("vs_fuzz", "sk-fuzzing", hostile.text(rng))), path)
    document = {rng.choice(hostile.NAMES): hostile.value(rng) for _ in range(rng.randint(0, 4))}
    content = json.dumps(document).encode() if method != "GET" else b""
    query = {rng.choice(QUERY): rng.choice((*DATES, hostile.text(rng))) for _ in range(rng.randint(0, 3))}
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = Request(method=method, path=path, query=query, headers=headers, body=Body.of(content))
    return event_of(request if rng.random() < 0.5 else _with_faults(request, rng), rng)


@cache
def _administration() -> list[tuple[str, str]]:
    paths = json.loads(OPENAPI.read_text("utf-8"))["paths"]
    return [
        (method.upper(), path)
        for path, operations in paths.items()
        for method, operation in operations.items()
        if "administration" in operation.get("tags", ())
    ]


def event_of(request: Request, rng: random.Random) -> dict[str, Any]:
    """The request as API Gateway hands it over; what it may leave out is left out now and then."""
    content = request.body.read()
    try:
        body, encoded = content.decode(), rng.random() < 0.2
    except UnicodeDecodeError:
        body, encoded = "", True
    if encoded:
        body = base64.b64encode(content).decode()
        body = body if rng.random() < 0.95 else body[:-1] + rng.choice("=!é\x00")
    event: dict[str, Any] = {
        "version": "2.0",
        "rawPath": request.path,
        "rawQueryString": "&".join(
            f"{quote(k, errors='replace')}={quote(v, errors='replace')}" for k, v in request.query.items()
        ),
        "headers": dict(request.headers),
        "queryStringParameters": dict(request.query),
        "requestContext": {"http": {"method": request.method}, "requestId": "fuzz=", "timeEpoch": 1_772_600_767_000},
        "body": body,
        "isBase64Encoded": encoded,
    }
    if rng.random() < 0.05:
        event[rng.choice(("headers", "queryStringParameters", "body"))] = None
    if rng.random() < 0.05:
        del event[rng.choice(("headers", "queryStringParameters", "body", "rawQueryString", "isBase64Encoded"))]
    return event


def _with_faults(request: Request, rng: random.Random) -> Request:
    for _ in range(rng.randint(1, 3)):
        request = rng.choice(FAULTS)(request, rng)
    return request


def _body(request: Request, rng: random.Random) -> Request:
    return replace(request, body=Body.of(hostile.body(request.body.read(), rng)))


def _path(request: Request, rng: random.Random) -> Request:
    place = rng.randint(0, len(request.path))
    part = rng.choice(PATH_PARTS) if rng.random() < 0.8 else hostile.text(rng)
    return replace(request, path=request.path[:place] + part + request.path[place + rng.randint(0, 3) :])


def _header(request: Request, rng: random.Random) -> Request:
    name = rng.choice((*request.headers, *HEADERS))
    value = rng.choice(TYPES) if name == "content-type" and rng.random() < 0.5 else hostile.text(rng)
    return replace(request, headers={**request.headers, name: value})


def _query(request: Request, rng: random.Random) -> Request:
    value = rng.choice((*DATES, "", "0", "101", "-1", "sideways", "vs_fuzz", hostile.text(rng)))
    return replace(request, query={**request.query, rng.choice(QUERY): value})


def _method(request: Request, rng: random.Random) -> Request:
    return replace(request, method=rng.choice(METHODS))


FAULTS: Final[tuple[Callable[[Request, random.Random], Request], ...]] = (
    _body,
    _body,
    _body,
    _path,
    _header,
    _query,
    _method,
)
