"""The selection of a folder's files: `--include` and `--exclude`, with the shell's wildcards.

A pattern is compared with a file's path below the folder, with its name, and with each folder on the way to it, so that
`*.md` means every Markdown file and `drafts` the whole folder. `*` goes across slashes, as in `aws s3 sync`.
"""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Selection:
    """The patterns of a command. Without `include` every file is selected; `exclude` takes precedence."""

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()

    def has(self, path: str) -> bool:
        """Whether a file is selected. `path`: relative to the folder, with slashes."""
        if _matched(path, self.exclude):
            return False
        return not self.include or _matched(path, self.include)


def _matched(path: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern.strip("/")) for pattern in patterns for name in _names(PurePosixPath(path)))


def _names(path: PurePosixPath) -> Iterator[str]:
    """The path and the folders above it, each with its name."""
    for part in (path, *path.parents[:-1]):
        yield str(part)
        yield part.name
