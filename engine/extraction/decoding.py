"""Bytes to text: UTF-8, UTF-16 and ASCII, which are the encodings that OpenAI takes for text files."""

import codecs
from pathlib import Path
from typing import Final

from engine.extraction.limits import MAX_TEXT_BYTES, Refused

BOMS: Final = [(codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")]
UTF_32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
SAMPLE: Final = 4_096  # bytes that decide whether a file without a mark is UTF-16
MOST: Final = 0.4  # of the bytes at odd or even places are zero in UTF-16 of a text that is mostly ASCII


def decoded(path: Path) -> str:
    """The text of a file. Refused, with what to do about it, for another encoding or a file that is no text."""
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise Refused(f"The file has more than {MAX_TEXT_BYTES} bytes of text.")
    data = path.read_bytes()
    encoding = encoding_of(data)
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        raise Refused(_reason(data, encoding, error)) from None
    if "\0" in text:
        raise Refused("The file is binary, not text.")
    return text


def encoding_of(data: bytes) -> str:
    """The encoding by its mark; without one UTF-8, unless every other byte says UTF-16."""
    if data.startswith(UTF_32):
        return "utf-8"  # two of the marks of UTF-16 are within those of UTF-32, which is not taken
    marked = next((name for mark, name in BOMS if data.startswith(mark)), None)
    return marked or _unmarked(data[:SAMPLE])


def _unmarked(sample: bytes) -> str:
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if odd > MOST * len(sample) / 2 and not even:
        return "utf-16-le"
    if even > MOST * len(sample) / 2 and not odd:
        return "utf-16-be"
    return "utf-8"


def _reason(data: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    if encoding != "utf-8":
        return f"The file begins as UTF-16 and is not UTF-16 at byte {error.start}."
    if data.startswith(UTF_32):
        return "The file is in UTF-32; it must be in UTF-8, UTF-16 or ASCII."
    if b"\0" in data:
        return "The file is binary, not text."
    return (
        f"The file is not in UTF-8, UTF-16 or ASCII: byte {error.start} is 0x{data[error.start]:02X}. It may be in "
        "Latin-1 or Windows-1252; convert it, for example with `iconv -f WINDOWS-1252 -t UTF-8`."
    )
