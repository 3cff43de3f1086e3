"""The files of a folder and their hashes. Hidden files and links are left out."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LARGEST: Final = 512 * 1024 * 1024  # bytes; OpenAI's limit


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file and its hash. `path` is relative to the folder, with slashes on every system; `size` in bytes."""

    path: str
    where: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file that cannot be ingested, and the reason."""

    path: str
    reason: str


def scan(root: Path) -> tuple[list[ScannedFile], list[SkippedFile]]:
    """The files in the order of their paths. FileNotFoundError for a path that does not exist."""
    if root.is_file():
        return [_scanned(root.name, root)], []
    if not root.exists():
        raise FileNotFoundError(f"no such file or folder: {root}")
    found: list[ScannedFile] = []
    skipped: list[SkippedFile] = []
    for where in _files(root):
        path = where.relative_to(root).as_posix()
        try:
            size = where.stat().st_size
            if size == 0 or size > LARGEST:
                skipped.append(SkippedFile(path, "empty" if size == 0 else "larger than 512 MB"))
            else:
                found.append(_scanned(path, where))
        except OSError as error:
            skipped.append(SkippedFile(path, error.strerror or type(error).__name__))
    return found, skipped


def _files(root: Path) -> list[Path]:
    files: list[Path] = []
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".")]
        here = (Path(folder) / name for name in names if not name.startswith("."))
        files += [path for path in here if path.is_file() and not path.is_symlink()]
    return sorted(files)


def _scanned(path: str, where: Path) -> ScannedFile:
    with where.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ScannedFile(path, where, where.stat().st_size, digest)
