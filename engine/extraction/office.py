"""Word (docx) and PowerPoint (pptx) documents to text, with python-docx and python-pptx.

The libraries find the parts of a document; the text is read from the parts' own elements, because the libraries'
paragraphs leave out what stands in content controls and text boxes.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from engine.extraction.limits import MAX_PAGES, MAX_UNPACKED_BYTES, Refused

ARCHIVE: Final = b"PK\x03\x04"
COMPOUND: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # Word 97's own container, and that of an encrypted docx
_WORD: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_DRAWING: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_COMPATIBILITY: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_TEXT: Final = frozenset({f"{_WORD}t", f"{_DRAWING}t"})
_BREAKS: Final = {
    f"{_WORD}tab": "\t",
    f"{_WORD}br": "\n",
    f"{_WORD}cr": "\n",
    f"{_WORD}noBreakHyphen": "-",
    f"{_DRAWING}br": "\n",
}
_ENDS: Final = frozenset({f"{_WORD}p", f"{_DRAWING}p"})  # of a line
# What is shown in another place or is not shown: the older copy of a text box, the settings of a tabulator.
_SKIPPED: Final = frozenset({f"{_COMPATIBILITY}Fallback", f"{_WORD}tabs"})


def docx(path: Path) -> Iterator[str]:
    """The body, then the notes."""
    from docx import Document  # noqa: PLC0415 - only for documents
    from docx.opc.exceptions import OpcError  # noqa: PLC0415

    check(path)
    try:
        document = Document(str(path))
    except (OpcError, KeyError, ValueError) as error:
        raise Refused("The file is an archive, but not a Word document (docx).") from error
    yield from shown(document.element.body)
    for part in document.part.package.iter_parts():
        if part.partname.endswith(("/footnotes.xml", "/endnotes.xml")):
            yield from shown(_parsed(part.blob))


def pptx(path: Path) -> Iterator[str]:
    """Each slide, with its notes."""
    from pptx import Presentation  # noqa: PLC0415 - only for presentations
    from pptx.exc import PythonPptxError  # noqa: PLC0415

    check(path)
    try:
        slides = Presentation(str(path)).slides
    except (PythonPptxError, KeyError, ValueError) as error:
        raise Refused("The file is an archive, but not a PowerPoint document (pptx).") from error
    if len(slides) > MAX_PAGES:
        raise Refused(f"The presentation has more than {MAX_PAGES} slides.")
    for slide in slides:
        yield from shown(slide.element)
        if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
            yield slide.notes_slide.notes_text_frame.text + "\n"
        yield "\n"


def check(path: Path) -> None:
    """Refused for what is no archive, and for one whose content is too large. Reads its directory alone."""
    with path.open("rb") as file:
        beginning = file.read(len(COMPOUND))
    if beginning == COMPOUND:
        raise Refused("The document is encrypted with a password, or in an older format than its file name says.")
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile as error:
        raise Refused(f"The file is not a readable document: {error}") from error
    if size > MAX_UNPACKED_BYTES:
        raise Refused(f"The document has more than {MAX_UNPACKED_BYTES} bytes unpacked.")


def shown(element: Any) -> Iterator[str]:  # noqa: ANN401 - lxml has no types
    """The text of an element and all below it, a line for each paragraph. Deleted text (`w:delText`) is not shown."""
    tag = element.tag
    if tag in _SKIPPED:
        return
    if tag in _TEXT:
        yield element.text or ""
    yield _BREAKS.get(tag, "")
    for child in element:
        yield from shown(child)
    if tag in _ENDS:
        yield "\n"


def _parsed(xml: bytes) -> Any:  # noqa: ANN401 - see shown
    from docx.oxml.parser import parse_xml  # noqa: PLC0415 - python-docx's parser, which resolves no entity

    return parse_xml(xml)
