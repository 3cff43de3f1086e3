"""Documents to text, run in a child process: KIND and PATH as arguments, text on stdout.

The child limits its own memory and processor time before it reads a byte. Exit status 0: done. REFUSED: the reason is
on stderr. Anything else: the file broke the parser.
"""

import logging
import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from engine.extraction.limits import MAX_CPU_SECONDS, MAX_MEMORY, MAX_PAGES, MAX_TEXT_BYTES, Refused
from engine.extraction.markup import html, json_text
from engine.extraction.office import docx, pptx
from engine.extraction.word97 import doc

REFUSED: Final = 3


def pdf(path: Path) -> Iterator[str]:
    """The text of each page."""
    from pypdf import PdfReader  # noqa: PLC0415 - only for PDFs
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    try:
        reader = PdfReader(path)
        if len(reader.pages) > MAX_PAGES:
            raise Refused(f"The PDF has more than {MAX_PAGES} pages.")
        for page in reader.pages:
            yield page.extract_text() + "\n\n"
    except PyPdfError as error:
        raise Refused(f"The file is not a readable PDF: {error}") from error


KINDS: Final[dict[str, Callable[[Path], Iterator[str]]]] = {
    "pdf": pdf,
    "html": html,
    "json": json_text,
    "docx": docx,
    "pptx": pptx,
    "doc": doc,
}


def write(parts: Iterator[str]) -> None:
    """Write the text, up to MAX_TEXT_BYTES."""
    written = 0
    for part in parts:
        written += sys.stdout.buffer.write(part.encode(errors="replace"))
        if written > MAX_TEXT_BYTES:
            raise Refused(f"The file has more than {MAX_TEXT_BYTES} bytes of text.")


def main(kind: str, path: str) -> int:
    """Parse, write, and say how it went."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))
    logging.disable()  # the libraries' complaints about a file
    try:
        write(KINDS[kind](Path(path)))
    except Refused as refusal:
        sys.stderr.write(str(refusal))
        return REFUSED
    except MemoryError:
        sys.stderr.write("Parsing the file needs more memory than is allowed.")
        return REFUSED
    return 0
