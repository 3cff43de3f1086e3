"""A call as an HTTP request: its path, query, headers and body. Pure; httpx encodes the forms (`sender.py`)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlencode

from vectorgate.api.headers import END_USER, TAGS
from vectorgate.client.file_inputs import Form, form_fields
from vectorgate.client.messages import HttpRequest
from vectorgate.client.resource import Resource
from vectorgate.version import __version__

if TYPE_CHECKING:
    from vectorgate.api.operations import Operation
    from vectorgate.client.file_inputs import FileSource

USER_AGENT: Final = f"vectorgate/{__version__}"
JSON: Final = "application/json"
_TEXT_HEADERS: Final = frozenset({END_USER[0], TAGS})  # names of the caller's choice, sent as UTF-8


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One operation with its parameters and options. `boundary`: for a form, the same at each attempt."""

    operation: Operation
    ids: Mapping[str, str]
    query: Mapping[str, str]
    body: Mapping[str, object] | None
    file: FileSource | None
    headers: Mapping[str, str]
    provider: str | None
    user: str | None
    tags: tuple[str, ...]
    idempotency_key: str
    boundary: str


def http_request(
    call: Call,
    base: str,
    authorization: Mapping[str, str],
    body: Mapping[str, object] | None,
    query: Mapping[str, str] | None = None,
) -> HttpRequest:
    """The call below a base URL. ValueError or TypeError for an id, a header or a value that cannot be sent."""
    content = _content(call, body)
    headers = {"accept": "*/*" if call.operation.binary else JSON, "user-agent": USER_AGENT, **authorization}
    if content is not None:
        headers["content-type"] = content.content_type if isinstance(content, Form) else JSON
    if call.operation.path.startswith("/vector_stores"):
        headers["openai-beta"] = "assistants=v2"
    headers |= {name.lower(): value for name, value in call.headers.items()}
    return HttpRequest(
        method=call.operation.method, url=base + _target(call, query or {}), headers=checked(headers), content=content
    )


def _content(call: Call, body: Mapping[str, object] | None) -> bytes | Form | None:
    if call.file is not None:
        fields = form_fields(body or {})
        return Form(fields=fields, file_field=call.operation.file_field, file=call.file, boundary=call.boundary)
    return encoded(body) if body is not None else None


def _target(call: Call, query: Mapping[str, str]) -> str:
    path = call.operation.path.format_map({name: segment(name, text) for name, text in call.ids.items()})
    whole = {**call.query, **query}
    return path + ("?" + urlencode(whole) if whole else "")


def segment(name: str, text: str) -> str:
    """An id as a segment of a path. ValueError for a text that cannot be one."""
    if not isinstance(text, str) or text in {"", ".", ".."}:
        raise ValueError(f"Expected a non-empty value for `{name}` but received {text!r}")
    return quote(text, safe="")


def checked(headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers. ValueError for one that HTTP cannot carry; its value, which may be a key, is not shown."""
    for name, value in headers.items():
        if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum():
            raise ValueError(f"not the name of a header: {name!r}")
        if not isinstance(value, str) or not value.isprintable():
            raise ValueError(f"the value of the header {name} is not printable text")
        if not value.isascii() and name not in _TEXT_HEADERS:
            raise ValueError(f"the value of the header {name} is not ASCII text")
    return headers


def encoded(body: Mapping[str, object]) -> bytes:
    """JSON in ASCII. TypeError or ValueError for a value that JSON does not have."""
    return json.dumps(body, separators=(",", ":"), allow_nan=False, default=_plain).encode("ascii")


def _plain(value: object) -> object:
    if isinstance(value, Resource):
        return value.to_dict()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")
