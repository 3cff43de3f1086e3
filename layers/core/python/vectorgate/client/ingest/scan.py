"""The files of a folder and their hashes. Hidden ones are left out, and links are not followed."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LARGEST: Final = 512 * 1024 * 1024  # OpenAI's limit


@dataclass(frozen=True, slots=True)
class Found:
    """`path` is relative to the folder, with slashes, whatever the system."""

    path: str
    where: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """A file that cannot be ingested."""

    path: str
    reason: str


def scan(root: Path) -> tuple[list[Found], list[Skipped]]:
    """In the order of their paths. NotADirectoryError or FileNotFoundError when there is nothing to scan."""
    if root.is_file():
        return [_found(root.name, root)], []
    if not root.exists():
        raise FileNotFoundError(f"no such file or folder: {root}")
    found: list[Found] = []
    skipped: list[Skipped] = []
    for where in _files(root):
        path = where.relative_to(root).as_posix()
        try:
            size = where.stat().st_size
            if size == 0 or size > LARGEST:
                skipped.append(Skipped(path, "empty" if size == 0 else "larger than 512 MB"))
            else:
                found.append(_found(path, where))
        except OSError as error:
            skipped.append(Skipped(path, error.strerror or type(error).__name__))
    return found, skipped


def _files(root: Path) -> list[Path]:
    files: list[Path] = []
    for folder, below, names in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".")]
        here = (Path(folder) / name for name in names if not name.startswith("."))
        files += [path for path in here if path.is_file() and not path.is_symlink()]
    return sorted(files)


def _found(path: str, where: Path) -> Found:
    with where.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return Found(path, where, where.stat().st_size, digest)
