"""The files of a folder and their hashes. Links, hidden and excluded files are left out, and counted."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vectorgate.client.ingest.selection import Selection

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST: Final = 512 * 1024 * 1024  # bytes; OpenAI's limit
JOURNALS: Final = ".vectorgate"  # the folder of the command's own files


@dataclass(frozen=True, slots=True)
class ScannedFile:
    """A file and its hash. `path` is relative to the folder, with slashes on every system; `size` in bytes."""

    path: str
    where: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """A file or folder that cannot be ingested, and the reason."""

    path: str
    reason: str


@dataclass
class Scan:
    """What a folder has. `links`, `hidden` (files and folders) and `excluded` are counts of what was left out."""

    files: list[ScannedFile] = field(default_factory=list)
    skipped: list[SkippedFile] = field(default_factory=list)
    links: int = 0
    hidden: int = 0
    excluded: int = 0


def scan(root: Path, selection: Selection | None = None) -> Scan:
    """The files in the order of their paths. FileNotFoundError for a path that does not exist."""
    found, meant = Scan(), selection if selection is not None else Selection()
    if root.is_file():
        _add(found, root.name, root)
        return found
    if not root.is_dir():
        raise FileNotFoundError(f"no such file or folder: {root}")
    for where in sorted(_plain_files(root, found)):
        path = where.relative_to(root).as_posix()
        if meant.has(path):
            _add(found, path, where)
        else:
            found.excluded += 1
    return found


def is_gone(root: Path, path: str) -> bool:
    """Whether the path no longer exists below the folder. A path that cannot be read counts as existing."""
    try:
        (root / path).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _plain_files(root: Path, found: Scan) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        path = Path(os.fsdecode(error.filename)).relative_to(root).as_posix()
        found.skipped.append(SkippedFile(path, error.strerror or type(error).__name__))

    for folder, below, names in os.walk(root, onerror=unreadable):
        hidden = [name for name in (*below, *names) if name.startswith(".") and name != JOURNALS]
        found.hidden += len(hidden)
        found.links += sum(Path(folder, name).is_symlink() for name in below if not name.startswith("."))
        below[:] = [name for name in below if not name.startswith(".")]
        for name in names:
            yield from _plain(Path(folder, name), found)


def _plain(path: Path, found: Scan) -> Iterator[Path]:
    """The path, if it is a file and neither hidden nor a link."""
    if path.name.startswith("."):
        return
    if path.is_symlink():
        found.links += 1
    elif path.is_file():
        yield path


def _add(found: Scan, path: str, where: Path) -> None:
    try:
        path.encode()
        size = where.stat().st_size
        if size == 0 or size > LARGEST:
            found.skipped.append(SkippedFile(path, "empty" if size == 0 else "larger than 512 MB"))
        else:
            found.files.append(_scanned(path, where, size))
    except OSError as error:
        found.skipped.append(SkippedFile(path, error.strerror or type(error).__name__))
    except UnicodeEncodeError:
        readable = os.fsencode(path).decode("utf-8", "replace")
        found.skipped.append(SkippedFile(readable, "its name is not UTF-8"))


def _scanned(path: str, where: Path, size: int) -> ScannedFile:
    with where.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ScannedFile(path, where, size, digest)
