"""A form as it goes over the wire: httpx's bytes, by the rules of browsers, and what our own reader makes of them."""

from __future__ import annotations

import io
from typing import Any, Final, cast

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorgate.api.form_data import read_upload
from vectorgate.api.http import Body, FileUpload
from vectorgate.api.operations import BY_NAME
from vectorgate.clock import Clock
from vectorgate.providers.base import UpstreamRequest
from vectorgate.providers.http.outcome import Replied
from vectorgate.providers.http.transport import PooledTransport

ENTROPY: Final = bytes(range(16))
BOUNDARY: Final = ENTROPY.hex()
TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES: Final = TEXT.filter(bool)
TYPES: Final = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


def sent(upload: FileUpload) -> httpx.Request:
    """The request that the gateway's client is asked to send, with its content."""
    requests: list[httpx.Request] = []

    def record(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        return httpx.Response(200)

    transport = PooledTransport(Clock(wall=float, monotonic=float, sleep=lambda _: None), entropy=lambda _: ENTROPY)
    transport._connections = cast("Any", httpx.MockTransport(record))
    request = UpstreamRequest(method="POST", url="http://multipart.invalid/v1/files", headers={}, content=upload)
    assert isinstance(transport.send(request, seconds=1.0), Replied)
    return requests[0]


def quoted(text: str) -> str:
    """A name as browsers write it; and a backslash twice, because most parsers take one for an escape."""
    controls = {chr(code): f"%{code:02X}" for code in range(32) if chr(code) != "\x1b"}
    return "".join({'"': "%22", "\\": "\\\\", **controls}.get(character, character) for character in text)


def expected(fields: dict[str, str], field: str, filename: str, kind: str, content: bytes) -> bytes:
    """The form, field by field."""
    parts = [(f'name="{quoted(name)}"', value.encode()) for name, value in fields.items()]
    parts.append((f'name="{quoted(field)}"; filename="{quoted(filename)}"\r\nContent-Type: {kind}', content))
    rendered = [
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + value + b"\r\n"
        for head, value in parts
    ]
    return b"".join([*rendered, f"--{BOUNDARY}--\r\n".encode()])


@given(
    fields=st.dictionaries(NAMES, TEXT, max_size=3),
    field=NAMES,
    filename=NAMES,
    kind=TYPES,
    content=st.binary(max_size=200),
    on_disk=st.booleans(),
)
def test_a_form_has_its_fields_and_its_file_whatever_they_are_called(
    fields: dict[str, str], field: str, filename: str, kind: str, content: bytes, *, on_disk: bool
) -> None:
    body = Body(len(content), io.BytesIO(content)) if on_disk else Body.of(content)
    request = sent(FileUpload(fields, filename, kind, body, field))
    assert request.content == expected(fields, field, filename, kind, content)
    assert request.headers["content-length"] == str(len(request.content))
    assert request.headers["content-type"] == f"multipart/form-data; boundary={BOUNDARY}"


@pytest.mark.parametrize(
    ("filename", "wire", "read"),
    [
        ("naïve-東京 🗾.md", "naïve-東京 🗾.md", "naïve-東京 🗾.md"),
        ("a;b='c'.md", "a;b='c'.md", "a;b='c'.md"),
        ("back\\slash.md", "back\\\\slash.md", "back\\slash.md"),
        ("two\\\\.md", "two\\\\\\\\.md", "two\\\\.md"),
        ("at its end\\", "at its end\\\\", "at its end\\"),
        ('quo"ted".md', "quo%22ted%22.md", "quo%22ted%22.md"),
        ("line\r\nbreak", "line%0D%0Abreak", "line%0D%0Abreak"),
        ("bell\x07, tab\t, escape\x1b", "bell%07, tab%09, escape\x1b", "bell%07, tab%09, escape\x1b"),
    ],
)
def test_a_files_name_arrives(filename: str, wire: str, read: str) -> None:
    operation = BY_NAME["files.create"]
    assert operation.body is not None
    request = sent(FileUpload({"purpose": "assistants"}, filename, "text/plain", Body.of(b"content")))
    assert f'name="file"; filename="{wire}"\r\n'.encode() in request.content
    body, kind = Body.of(request.content), request.headers["content-type"]
    upload, _ = read_upload(body, kind, operation, max_bytes=1000, too_large="too large")
    assert (upload.filename, upload.content.read()) == (read, b"content")
