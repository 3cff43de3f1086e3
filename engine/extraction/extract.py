"""File to text.

Plain text is decoded here. What has a grammar (PDF, HTML, JSON) is parsed by `engine.extraction.parser` in a
child process with limits on memory and time: a hostile file can then only waste its own child.
"""

from __future__ import annotations

import codecs
import subprocess
import sys
from pathlib import Path
from typing import Final, Literal

from engine.extraction import parser

Code = Literal["server_error", "unsupported_file", "invalid_file"]

# OpenAI takes files of five million tokens, which are fewer bytes than this even of dense text.
MAX_TEXT_BYTES: Final = parser.MAX_TEXT_BYTES
PARSE_SECONDS = 60.0

PLAIN_SUFFIXES: Final = """
.c .cc .cpp .cs .css .csv .go .h .hpp .java .js .jsx .kt .log .md .markdown .php .pl .py .rb .rs .rst .sh .sql .swift
.tex .toml .ts .tsx .txt .text .tsv .xml .yaml .yml
"""
PLAIN: Final = frozenset(PLAIN_SUFFIXES.split())
PARSED: Final = {".html": "html", ".htm": "html", ".json": "json", ".pdf": "pdf"}
# The byte order marks of the encodings OpenAI takes; UTF-8 needs none.
BOMS: Final = [(codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")]


class Unextractable(Exception):
    """The file cannot be indexed: what becomes `last_error`."""

    def __init__(self, code: Code, message: str) -> None:
        super().__init__(message)
        self.code: Code = code
        self.message = message


def extract(path: Path, filename: str) -> str:
    """The text of a file, by the type that its name has."""
    suffix = Path(filename).suffix.lower() or sniff(path)
    if suffix in PARSED:
        text = parse(path, PARSED[suffix])
    elif suffix in PLAIN:
        text = decode(path)
    else:
        raise Unextractable("unsupported_file", f"The file type '{suffix}' is not supported.")
    if not text.strip():
        raise Unextractable("invalid_file", "The file could not be parsed because it is empty.")
    return text


def sniff(path: Path) -> str:
    """The suffix of a file that came without one."""
    with path.open("rb") as file:
        return ".pdf" if file.read(5) == b"%PDF-" else ".txt"


def decode(path: Path) -> str:
    """Plain text in UTF-8, or UTF-16 with its mark."""
    if path.stat().st_size > MAX_TEXT_BYTES:
        raise Unextractable("invalid_file", f"The file has more than {MAX_TEXT_BYTES} bytes of text.")
    data = path.read_bytes()
    encoding = next((name for mark, name in BOMS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        raise Unextractable("invalid_file", "The file is not text in UTF-8, UTF-16 or ASCII.") from None
    if "\0" in text:
        raise Unextractable("invalid_file", "The file is binary, not text.")
    return text


def parse(path: Path, kind: str) -> str:
    """The text of a file with a grammar, from a child process."""
    command = [sys.executable, "-I", parser.__file__, kind, str(path)]
    try:
        done = subprocess.run(  # noqa: S603 - this interpreter and the engine's own script; the path is that of a blob
            command, capture_output=True, stdin=subprocess.DEVNULL, timeout=PARSE_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unextractable("invalid_file", "The file could not be parsed in time.") from None
    if done.returncode == 0:
        return done.stdout.decode()
    if done.returncode == parser.REFUSED:
        raise Unextractable("invalid_file", done.stderr.decode(errors="replace").strip())
    raise Unextractable("invalid_file", f"The file could not be parsed: it is not valid {kind.upper()}.")
