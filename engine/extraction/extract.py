"""File to text.

Plain text is decoded here. What has a grammar (PDF, HTML, JSON, documents of Word and PowerPoint) is parsed by
`engine.extraction.parser` in a child process with limits on memory and time: a hostile file can then only waste its own
child.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final, Literal

from engine.extraction import parser
from engine.extraction.decoding import decoded
from engine.extraction.limits import MAX_TEXT_BYTES as MAX_TEXT_BYTES  # noqa: PLC0414 - for the tests
from engine.extraction.limits import Refused
from engine.extraction.office import ARCHIVE, COMPOUND

Code = Literal["server_error", "unsupported_file", "invalid_file"]

PARSE_SECONDS = 60.0

PLAIN_SUFFIXES: Final = """
.c .cc .cpp .cs .css .csv .go .h .hpp .java .js .jsx .kt .log .md .markdown .php .pl .py .rb .rs .rst .sh .sql .swift
.tex .toml .ts .tsx .txt .text .tsv .xml .yaml .yml
"""
PLAIN: Final = frozenset(PLAIN_SUFFIXES.split())
PARSED: Final = {
    ".html": "html",
    ".htm": "html",
    ".json": "json",
    ".pdf": "pdf",
    ".docx": "docx",
    ".pptx": "pptx",
    ".doc": "doc",
}
# Isolated from the environment, so with the installed packages and this project's folder alone.
CHILD: Final = """
import sys
sys.path.append(sys.argv[1])
from engine.extraction import parser
sys.exit(parser.main(*sys.argv[2:]))
"""
PROJECT: Final = str(Path(__file__).parents[2])


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
        beginning = file.read(len(COMPOUND))
    if beginning.startswith(b"%PDF-"):
        return ".pdf"
    if beginning == COMPOUND:
        return ".doc"
    return _document(path) if beginning.startswith(ARCHIVE) else ".txt"


def _document(path: Path) -> str:
    """The suffix of an archive, by the folder that its document is in."""
    try:
        with zipfile.ZipFile(path) as archive:
            folders = {name.partition("/")[0] for name in archive.namelist()}
    except zipfile.BadZipFile:
        return ".zip"
    return ".docx" if "word" in folders else ".pptx" if "ppt" in folders else ".zip"


def decode(path: Path) -> str:
    """Plain text."""
    try:
        return decoded(path)
    except Refused as refusal:
        raise Unextractable("invalid_file", str(refusal)) from None


def parse(path: Path, kind: str) -> str:
    """The text of a file with a grammar, from a child process."""
    command = [sys.executable, "-I", "-c", CHILD, PROJECT, kind, str(path)]
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
    if done.returncode in {-signal.SIGXCPU, -signal.SIGKILL}:
        raise Unextractable("invalid_file", "The file could not be parsed in time.")
    raise Unextractable("invalid_file", f"The file could not be parsed: it is not valid {kind.upper()}.")
