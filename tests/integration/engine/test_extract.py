"""Extraction of text, from honest files and hostile ones."""

import json
import zlib
from pathlib import Path

import pytest
from pypdf import PdfWriter

from engine.extraction import extract as extraction
from engine.extraction.extract import Unextractable, extract


@pytest.fixture
def text_of(tmp_path: Path) -> "Extract":
    return Extract(tmp_path / "blob")


class Extract:
    """Extract from bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __call__(self, name: str, data: bytes) -> str:
        self.path.write_bytes(data)
        return extract(self.path, name)

    def refuses(self, name: str, data: bytes) -> str:
        with pytest.raises(Unextractable) as refusal:
            self(name, data)
        assert refusal.value.message
        return refusal.value.code


def pdf(content: bytes, *, compress: bool = False) -> bytes:
    """A PDF of one page, by hand: offsets are left to the reader's repair."""
    stream = zlib.compress(content) if compress else content
    filters = b"/Filter /FlateDecode " if compress else b""
    return (
        b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
        b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 300 300]/Contents 4 0 R"
        b"/Resources<</Font<</F1<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>>>>>>>endobj\n"
        b"4 0 obj<<"
        + filters
        + b"/Length "
        + str(len(stream)).encode()
        + b">>stream\n"
        + stream
        + b"\nendstream endobj\n"
        b"trailer<</Root 1 0 R>>\nstartxref\n0\n%%EOF"
    )


def test_a_pdf_gives_its_words(text_of: Extract) -> None:
    assert "Hello PDF" in text_of("a.pdf", pdf(b"BT /F1 12 Tf 20 100 Td (Hello PDF) Tj ET"))


def test_a_file_without_suffix_is_what_it_looks_like(text_of: Extract) -> None:
    assert "Hello PDF" in text_of("upload", pdf(b"BT /F1 12 Tf 20 100 Td (Hello PDF) Tj ET"))
    assert text_of("upload", b"words") == "words"


def test_html_gives_what_a_reader_sees(text_of: Extract) -> None:
    page = (
        b"<head><title>T</title><style>p{}</style></head><p>One &amp; <b>two</b></p><script>var x='<p>'</script>three"
    )
    assert text_of("a.html", page) == "T\nOne & two\nthree"


def test_json_is_made_readable(text_of: Extract) -> None:
    assert text_of("a.json", b'{"a":["\\u00e9",1]}') == '{\n  "a": [\n    "\u00e9",\n    1\n  ]\n}'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "ascii"])
def test_the_encodings_openai_takes(text_of: Extract, encoding: str) -> None:
    assert text_of("a.TXT", "plain words".encode(encoding)) == "plain words"


@pytest.mark.parametrize("name", ["a.exe", "a.xlsx", "a.xyz", "a.md.zip"])
def test_other_types_are_unsupported(text_of: Extract, name: str) -> None:
    assert text_of.refuses(name, b"data") == "unsupported_file"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", b""),
        ("a.md", b" \n\t "),
        ("a.txt", b"\xff\xff\xff"),
        ("a.txt", b"\xff\xfeodd"),
        ("a.py", b"binary\0zero"),
        ("a.pdf", b""),
        ("a.pdf", b"%PDF-1.7\n" + b"\0" * 1000),
        ("a.pdf", pdf(b"BT ET")),
        ("a.json", b'{"a":'),
        ("a.json", b"[" * 1_000_000),
        ("a.json", b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        ("a.html", b"<script>only()</script>"),
        ("a.html", b"\xff"),
    ],
)
def test_broken_files_are_invalid(text_of: Extract, name: str, data: bytes) -> None:
    assert text_of.refuses(name, data) == "invalid_file"


@pytest.mark.timeout(60)
def test_a_pdf_bomb_wastes_only_its_own_child(text_of: Extract) -> None:
    """200 MB of text operators in 200 kB."""
    bomb = pdf(b"BT /F1 12 Tf (x) Tj ET\n" * 9_000_000, compress=True)
    assert len(bomb) < 1_000_000
    assert text_of.refuses("a.pdf", bomb) == "invalid_file"


def test_pages_are_bounded(text_of: Extract) -> None:
    writer = PdfWriter()
    for _ in range(5001):
        writer.add_blank_page(10, 10)
    writer.write(text_of.path)
    assert text_of.refuses("a.pdf", text_of.path.read_bytes()) == "invalid_file"


def test_a_parser_that_takes_too_long_is_stopped(text_of: Extract, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extraction, "PARSE_SECONDS", 0.01)
    assert text_of.refuses("a.json", json.dumps(["x"] * 10).encode()) == "invalid_file"


@pytest.mark.parametrize("unit", [b"<", b"<!--", b"<a ", b"&", b"<p>", b"</p>", b"<script>", b"<![CDATA["])
@pytest.mark.timeout(30)  # quadratic work would take minutes
def test_hostile_html_ends(text_of: Extract, unit: bytes) -> None:
    text_of("a.html", b"seen" + unit * 20_000)


def test_text_is_bounded(text_of: Extract) -> None:
    with text_of.path.open("wb") as file:
        file.truncate(extraction.MAX_TEXT_BYTES + 1)
    with pytest.raises(Unextractable, match="bytes of text"):
        extract(text_of.path, "a.txt")
    with pytest.raises(Unextractable, match="bytes of text"):
        extract(text_of.path, "a.html")
