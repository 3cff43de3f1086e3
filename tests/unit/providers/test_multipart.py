"""A form on its way out: byte for byte what httpx makes, and what our own reader of forms makes of it."""

from __future__ import annotations

from typing import Final

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorgate.api.form_data import read_upload
from vectorgate.api.http import Body
from vectorgate.api.operations import BY_NAME
from vectorgate.providers.http.multipart import Form, upload_of

BOUNDARY: Final = "0123456789abcdef"
TEXT: Final = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NAMES: Final = TEXT.filter(bool)
TYPES: Final = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)


@given(st.dictionaries(NAMES, TEXT, max_size=3), NAMES, NAMES, TYPES, st.binary(max_size=200))
def test_a_form_is_what_httpx_makes_of_it(
    fields: dict[str, str], field: str, filename: str, kind: str, content: bytes
) -> None:
    form = Form(fields, upload_of((filename, content, kind)), BOUNDARY, field)
    theirs = httpx.Request(
        "POST",
        "http://multipart.invalid",
        headers={"content-type": form.content_type},
        data=fields,
        files={field: (filename, content, kind)},
    )
    ours = b"".join(form.pieces())
    assert ours == theirs.read()
    assert form.size == len(ours)


@pytest.mark.parametrize(
    ("filename", "read"),
    [
        ("naïve-東京 🗾.md", "naïve-東京 🗾.md"),
        ("a;b='c'.md", "a;b='c'.md"),
        ("back\\slash.md", "back\\slash.md"),
        ("two\\\\.md", "two\\\\.md"),
        ("at its end\\", "at its end\\"),
        ('quo"ted".md', "quo%22ted%22.md"),
        ("line\r\nbreak", "line%0D%0Abreak"),
    ],
)
def test_a_files_name_arrives(filename: str, read: str) -> None:
    operation = BY_NAME["files.create"]
    assert operation.body is not None
    form = Form({"purpose": "assistants"}, upload_of((filename, b"content")), BOUNDARY)
    body = Body.of(b"".join(form.pieces()))
    upload, _ = read_upload(body, form.content_type, operation, max_bytes=1000, too_large="too large")
    assert (upload.filename, upload.content.read()) == (read, b"content")
