"""A valid request for every row of the operation table, so that a test of all rows covers a new one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vectorgate.api.http import Body, Request
from vectorgate.api.operations import Media

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.operations import Operation

BOUNDARY = "the-boundary"
FORM_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
# The required fields of bodies beside file ids, by operation. {} is enough for the others.
BODIES: Mapping[str, Mapping[str, object]] = {
    "vector_stores.update": {"name": "new"},
    "vector_stores.search": {"query": "q"},
    "vector_stores.files.update": {"attributes": {"a": "b"}},
    "uploads.create": {"filename": "notes.md", "bytes": 5, "mime_type": "text/markdown", "purpose": "assistants"},
    "uploads.complete": {"part_ids": ["part_absent"]},
    "responses.create": {"model": "gpt-5-mini", "input": "q"},
    "responses.input_tokens.count": {"model": "gpt-5-mini", "input": "q"},
    "responses.compact": {"model": "gpt-5-mini", "input": "q"},
}
# The required fields of forms beside the file.
FIELDS: Mapping[str, Mapping[str, str]] = {"files.create": {"purpose": "assistants"}}


def form(name: str = "file", /, **fields: str) -> bytes:
    """Return a multipart form of plain fields and a small file, in the field `name`."""
    parts = [
        f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{field}"\r\n\r\n{text}\r\n'
        for field, text in fields.items()
    ]
    file = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{name}"; filename="notes.md"\r\n\r\nhello\r\n'
    return "".join([*parts, file, f"--{BOUNDARY}--\r\n"]).encode()


def body_of(operation: Operation, file_ids: Mapping[str, str]) -> dict[str, object]:
    """Return a valid JSON body that names `file_ids`: ids by the operation's `body_ids`, one for each path at most."""
    body = dict(BODIES.get(operation.name, {}))
    for path, value in file_ids.items():
        name, _, inner = path.partition(".")
        item: object = {inner: value} if inner else value
        body[name.removesuffix("[]")] = [item] if name.endswith("[]") else item
    return body


def request_for(
    operation: Operation,
    ids: Mapping[str, str],
    *,
    key: str,
    file_ids: Mapping[str, str] | None = None,
    body: Mapping[str, object] | None = None,
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    prefix: str = "/v1",
) -> Request:
    """Return a request with a key. `body`: fields to add to the valid ones."""
    sent = {"authorization": f"Bearer {key}"}
    content = b""
    if operation.media is Media.JSON:
        content = json.dumps({**body_of(operation, file_ids or {}), **(body or {})}).encode()
        sent["content-type"] = "application/json"
    elif operation.media is Media.MULTIPART:
        fields = {**FIELDS.get(operation.name, {}), **(body or {})}
        content = form(operation.file_field, **{name: str(value) for name, value in fields.items()})
        sent["content-type"] = FORM_TYPE
    path = prefix + operation.path.format_map(ids)
    return Request(
        method=operation.method,
        path=path,
        query=query or {},
        headers={**sent, **(headers or {})},
        body=Body.of(content),
    )
