"""Word 97-2003 documents (doc) to text: [MS-DOC], section 2.4.1, over olefile's streams.

The text lies in pieces that the piece table puts in order, each in Windows-1252 or UTF-16; what was deleted is in none
of them. Documents of Word 6 and 95 have no piece table unless they were saved "fast".
"""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from engine.extraction.limits import MAX_TEXT_BYTES, Refused
from engine.extraction.office import ARCHIVE, COMPOUND, docx

WORD: Final = 0xA5EC  # of wIdent: Word 97 and later; Word 6 and 95 have another
WORD_6: Final = 0xA5DC
# Offsets in the file information block that every document begins with, and bits of its flags.
FLAGS: Final = 0x0A
ENCRYPTED: Final = 0x0100
FAST_SAVED: Final = 0x0004
SECOND_TABLE: Final = 0x0200
TEXT_6: Final = 0x18  # of Word 6: where the text begins and ends
PIECES: Final = 0x01A2  # the piece table's place in the table stream, and its length
COMPRESSED: Final = 0x40000000  # bit of a piece's place: Windows-1252, at half of that place
PIECE_BYTES: Final = 8
PROPERTIES: Final = 1  # kinds of record before the piece table, and the table itself
TABLE: Final = 2

# A field is its instruction, a separator and its result; only the result is shown.
_INSTRUCTION: Final = re.compile("\x13[^\x13\x14\x15]*\x14|\x13[^\x13\x14\x15]*\x15")
_ROW_END: Final = "\x07\x07"  # the end of a cell, and of its row
_SHOWN: Final = str.maketrans(
    {"\r": "\n", "\x07": "\t", "\x0b": "\n", "\x0c": "\n", "\x1e": "-", "\t": "\t", "\n": "\n"}
    | {chr(code): None for code in range(32) if chr(code) not in "\r\x07\x0b\x0c\x1e\t\n"}
)


@dataclass(frozen=True, slots=True)
class Streams:
    """The streams of a document."""

    main: bytes
    table: bytes


def doc(path: Path) -> Iterator[str]:
    """The text, with notes and headers after the body. A docx under the older name is read as what it is."""
    with path.open("rb") as file:
        beginning = file.read(len(COMPOUND))
    if beginning.startswith(ARCHIVE):
        yield from docx(path)
        return
    if beginning != COMPOUND:
        rich = "; it is RTF" if beginning.startswith(b"{\\rtf") else ""
        raise Refused(f"The file is not a Word document (doc){rich}.")
    streams = read(path)
    text = "".join(pieces(streams))
    yield _INSTRUCTION.sub("", text).replace(_ROW_END, "\n").translate(_SHOWN)


def read(path: Path) -> Streams:
    """The streams of a document. Refused for a file that has none, and for an encrypted one."""
    import olefile  # noqa: PLC0415 - only for these documents

    try:
        with olefile.OleFileIO(str(path)) as container:
            main = _stream(container, "WordDocument")
            second = bool(_flags(main) & SECOND_TABLE)
            return Streams(main, _stream(container, "1Table" if second else "0Table"))
    except OSError as error:
        raise Refused(f"The file is not a readable Word document: {error}") from error


def _stream(container: Any, name: str) -> bytes:  # noqa: ANN401 - olefile has no types
    """A stream; nothing where it is absent, as the table of Word 6 is."""
    if not container.exists(name):
        return b""
    if container.get_size(name) > 2 * MAX_TEXT_BYTES:
        raise Refused(f"The document has more than {MAX_TEXT_BYTES} bytes of text.")
    content: bytes = container.openstream(name).read()
    return content


def _flags(main: bytes) -> int:
    if len(main) < PIECES + PIECE_BYTES:
        raise Refused("The file has no Word document in it.")
    flags = _number("<H", main, FLAGS)
    if flags & ENCRYPTED:
        raise Refused("The document is encrypted with a password.")
    return flags


def pieces(streams: Streams) -> Iterator[str]:
    """The text in its order, with Word's own signs in it. Refused for a damaged document."""
    kind, flags = _number("<H", streams.main, 0), _flags(streams.main)
    if kind == WORD_6 and not flags & FAST_SAVED:
        begin, end = struct.unpack_from("<II", streams.main, TEXT_6)
        yield streams.main[begin:end].decode("cp1252", "replace")
        return
    if kind != WORD:
        raise Refused("The document is of a version of Word that is not supported.")
    table = _piece_table(streams)
    count = (len(table) - 4) // (4 + PIECE_BYTES)
    positions = struct.unpack_from(f"<{count + 1}I", table)
    for number in range(count):
        place = _number("<I", table, 4 * (count + 1) + PIECE_BYTES * number + 2)
        yield _piece(streams.main, place, positions[number + 1] - positions[number])


def _piece(main: bytes, place: int, characters: int) -> str:
    if characters < 0:
        raise Refused("The document's piece table is damaged.")
    begin = place & ~COMPRESSED
    if place & COMPRESSED:
        return main[begin // 2 : begin // 2 + characters].decode("cp1252", "replace")
    return main[begin : begin + 2 * characters].decode("utf-16-le", "replace")


def _piece_table(streams: Streams) -> bytes:
    """The table, behind any number of records of properties."""
    at, length = struct.unpack_from("<II", streams.main, PIECES)
    end = at + length
    while at < end and _number("<B", streams.table, at) == PROPERTIES:
        at += 3 + _number("<H", streams.table, at + 1)
    if at >= end or _number("<B", streams.table, at) != TABLE:
        raise Refused("The document has no piece table.")
    size = _number("<I", streams.table, at + 1)
    return streams.table[at + 5 : at + 5 + size]


def _number(form: str, data: bytes, at: int) -> int:
    """A number at a place. Refused where the data end before it."""
    try:
        return int(struct.unpack_from(form, data, at)[0])
    except struct.error:
        raise Refused("The document is damaged: it ends too early.") from None
