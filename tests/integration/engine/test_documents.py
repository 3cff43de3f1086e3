"""Extraction of text from documents of Word and PowerPoint, and from text in encodings that OpenAI takes or refuses.

`tests/fixtures/documents/policy.doc` was written by LibreOffice ("MS Word 97") from a page of this project's own.
"""

import io
import struct
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import docx
import pptx
import pytest
from docx.oxml import parse_xml
from hypothesis import given
from hypothesis import strategies as st
from pptx.util import Inches

from engine.extraction import limits, word97
from engine.extraction.extract import Unextractable, extract
from engine.extraction.limits import Refused

WORD_97: Final = (Path(__file__).parents[2] / "fixtures/documents/policy.doc").read_bytes()
HEADER: Final = WORD_97.index(struct.pack("<H", word97.WORD))  # of the stream WordDocument
WORDS: Final = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


@pytest.fixture
def extracted(tmp_path: Path) -> "Extracted":
    return Extracted(tmp_path / "blob")


class Extracted:
    """The text of bytes, or why there is none."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, name: str, data: bytes) -> str:
        self._path.write_bytes(data)
        return extract(self._path, name)

    def refused(self, name: str, data: bytes) -> str:
        with pytest.raises(Unextractable) as refusal:
            self(name, data)
        assert refusal.value.code == "invalid_file"
        return refusal.value.message


def word() -> bytes:
    """A document with what a page has, and what python-docx's own paragraphs leave out."""
    document = docx.Document()
    document.add_heading("Returns policy")
    document.add_paragraph("Within thirty\tdays, said “Zoë”.")
    table = document.add_table(rows=1, cols=2)
    table.cell(0, 0).text, table.cell(0, 1).text = "Österreich", "30"
    body = document.element.body
    for hidden in (
        f"<w:sdt {WORDS}><w:sdtContent><w:p><w:r><w:t>In a content control</w:t></w:r></w:p></w:sdtContent></w:sdt>",
        f"<w:p {WORDS}><w:del><w:r><w:delText>Deleted</w:delText></w:r></w:del><w:r><w:t>Kept</w:t></w:r></w:p>",
    ):
        body.insert(0, parse_xml(hidden))
    return saved(document)


def slides() -> bytes:
    """A slide with a title, a list, a table, a group and notes."""
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[1])
    assert slide.shapes.title is not None
    slide.shapes.title.text = "Shipping guide"
    slide.placeholders[1].text = "Two days\nwithin Österreich"
    table = slide.shapes.add_table(1, 1, Inches(1), Inches(1), Inches(1), Inches(1)).table
    table.cell(0, 0).text = "In a table"
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(Inches(1), Inches(1), Inches(1), Inches(1)).text_frame.text = "In a group"
    assert slide.notes_slide.notes_text_frame is not None
    slide.notes_slide.notes_text_frame.text = "Say it slowly"
    return saved(presentation)


def saved(document: object) -> bytes:
    stream = io.BytesIO()
    document.save(stream)  # type: ignore[attr-defined]
    return stream.getvalue()


@pytest.mark.parametrize("name", ["a.docx", "upload", "a.doc"])
def test_a_word_document_gives_what_a_reader_sees(extracted: Extracted, name: str) -> None:
    text = extracted(name, word())
    for line in ("Returns policy", "Within thirty\tdays, said “Zoë”.", "Österreich", "30", "In a content control"):
        assert line in text.splitlines()
    assert "Kept" in text
    assert "Deleted" not in text


@pytest.mark.parametrize("name", ["a.pptx", "upload"])
def test_a_presentation_gives_its_slides_and_notes(extracted: Extracted, name: str) -> None:
    lines = extracted(name, slides()).splitlines()
    expected = ["Shipping guide", "Two days", "within Österreich", "In a table", "In a group", "Say it slowly"]
    assert [line for line in lines if line] == expected


@pytest.mark.parametrize("name", ["a.doc", "upload"])
def test_a_document_of_word_97_gives_what_a_reader_sees(extracted: Extracted, name: str) -> None:
    assert extracted(name, WORD_97).splitlines() == [
        "Returns policy",
        "Goods may be returned within thirty days, said “Zoë”. It costs 5 €.",
        "Товары можно вернуть.",
        "first point",
        "second point",
        "Country\tDays",
        "Österreich\t30",
        "See the terms for more.",
    ]


def with_flags(flags: int) -> bytes:
    """The fixture with bits set in its header."""
    at = HEADER + word97.FLAGS
    changed = struct.pack("<H", struct.unpack_from("<H", WORD_97, at)[0] | flags)
    return WORD_97[:at] + changed + WORD_97[at + 2 :]


def bomb() -> bytes:
    """A document of half a megabyte whose body would be half a gigabyte."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word())) as source, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as target:
        for member in source.infolist():
            target.writestr(member, source.read(member))
        target.writestr("word/media/zeros", bytes(limits.MAX_UNPACKED_BYTES), compresslevel=1)
    return stream.getvalue()


def without(name: str, data: bytes) -> bytes:
    """An archive without one of its files."""
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(stream, "w") as target:
        for member in source.infolist():
            if member.filename != name:
                target.writestr(member, source.read(member))
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.docx", b"data", "not a readable document"),
        ("a.docx", word()[:-500], "not a readable document"),
        ("a.docx", WORD_97, "encrypted with a password, or in an older format"),
        ("a.docx", slides(), "not a Word document"),
        ("a.docx", without("word/document.xml", word()), "not a Word document"),
        ("a.docx", without("[Content_Types].xml", word()), "not a Word document"),
        ("a.pptx", word(), "not a PowerPoint document"),
        ("a.pptx", b"PK\x03\x04", "not a readable document"),
        ("a.doc", b"data", "not a Word document"),
        ("a.doc", b"{\\rtf1 text}", "it is RTF"),
        ("a.doc", WORD_97[:600], "not a readable Word document"),
        ("a.doc", with_flags(word97.ENCRYPTED), "encrypted with a password"),
        ("a.docx", saved(docx.Document()), "empty"),
    ],
)
def test_a_document_that_cannot_be_read_says_why(extracted: Extracted, name: str, data: bytes, reason: str) -> None:
    assert reason in extracted.refused(name, data)


@pytest.mark.timeout(60)
def test_a_document_that_unpacks_to_too_much_is_refused_unread(extracted: Extracted) -> None:
    assert "bytes unpacked" in extracted.refused("a.docx", bomb())


def test_entities_are_not_resolved(extracted: Extracted) -> None:
    """Neither a file of this machine nor a billion laughs becomes text."""
    document = (
        b'<!DOCTYPE d [<!ENTITY a "ha"><!ENTITY file SYSTEM "file:///etc/hostname">]>'
        b'<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>'
        b"<w:p><w:r><w:t>before &a;&file; after</w:t></w:r></w:p></w:body></w:document>"
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(word())) as source, zipfile.ZipFile(stream, "w") as target:
        for member in source.infolist():
            target.writestr(member, document if member.filename == "word/document.xml" else source.read(member))
    assert extracted("a.docx", stream.getvalue()).strip() == "before"


@given(st.data())
def test_a_damaged_document_of_word_97_gives_text_or_a_reason(data: st.DataObject) -> None:
    """Only its own parts: olefile reads the container, and whatever that raises ends the child alone."""
    streams = word97.read(Path(__file__).parents[2] / "fixtures/documents/policy.doc")
    main, table = (data.draw(damaged(stream)) for stream in (streams.main, streams.table))
    with suppress(Refused):
        assert len("".join(word97.pieces(word97.Streams(main, table)))) <= len(main) * len(table)


@st.composite
def damaged(draw: st.DrawFn, stream: bytes) -> bytes:
    """The stream, cut or with some bytes replaced."""
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, max(0, len(stream) - 1)))
        stream = stream[:at] + draw(st.binary(max_size=4)) + stream[at + 4 :]
    return stream[: draw(st.integers(0, len(stream)))] if draw(st.booleans()) else stream


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "ascii"])
@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.json"])
def test_text_html_and_json_may_be_in_each_encoding_that_openai_takes(
    extracted: Extracted, encoding: str, name: str
) -> None:
    assert "plain words" in extracted(name, '"plain words"'.encode(encoding))


def refusals() -> Iterator[tuple[bytes, str]]:
    yield "Café".encode("latin-1"), "byte 3 is 0xE9. It may be in Latin-1 or Windows-1252; convert it"
    yield "“quoted”".encode("cp1252"), "byte 0 is 0x93"
    yield "words".encode("utf-32"), "UTF-32"
    yield b"\xff\xfeodd", "not UTF-16 at byte 4"
    yield b"\x7fELF\0\0\xff\xfe\0", "binary"


@pytest.mark.parametrize(("data", "reason"), list(refusals()))
@pytest.mark.parametrize("name", ["a.txt", "a.html", "a.json"])
def test_text_in_another_encoding_is_refused_with_what_to_do(
    extracted: Extracted, name: str, data: bytes, reason: str
) -> None:
    assert reason in extracted.refused(name, data)
