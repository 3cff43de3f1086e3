"""The progress of a run: one line that is redrawn on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH: Final = 30
REDRAWN_SECONDS: Final = 0.1
PLAIN_SECONDS: Final = 5.0
_UNITS: Final = ("B", "KiB", "MiB", "GiB")


@dataclass
class Progress:
    """Counts of files and bytes. `clock`: monotonic seconds."""

    stream: TextIO
    clock: Callable[[], float]
    files: int
    size: int
    done_files: int = 0
    done_size: int = 0
    shown_at: float = float("-inf")

    def advance(self, size: int) -> None:
        """Count a file as uploaded, and show it. `size` in bytes."""
        self.done_files += 1
        self.done_size += size
        self.show(last=self.done_files == self.files)

    def show(self, *, last: bool = False) -> None:
        """Write the line, unless the last one was a moment ago."""
        terminal = self.stream.isatty()
        if not last and self.clock() - self.shown_at < (REDRAWN_SECONDS if terminal else PLAIN_SECONDS):
            return
        self.shown_at = self.clock()
        text = f"{self.done_files}/{self.files} files, {sized(self.done_size)} of {sized(self.size)}"
        if terminal:
            filled = WIDTH * self.done_size // max(1, self.size)
            self.stream.write(f"\r[{'#' * filled}{'.' * (WIDTH - filled)}] {text}\x1b[K" + ("\n" if last else ""))
        else:
            self.stream.write(f"uploaded {text}\n")
        self.stream.flush()


def sized(size: float) -> str:
    """A number of bytes as text: `3.4 MiB`."""
    for unit in _UNITS:
        if size < 1024 or unit == _UNITS[-1]:  # noqa: PLR2004 - the next unit
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError
