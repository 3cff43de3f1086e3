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
    """Counts of files and bytes. `clock`: monotonic seconds. `failed` files are neither uploaded nor indexed."""

    stream: TextIO
    clock: Callable[[], float]
    files: int
    size: int
    uploaded: int = 0
    uploaded_size: int = 0
    indexed: int = 0
    failed: int = 0
    indexing: int = 0  # of the batches in work, what the provider has counted so far
    shown_at: float = float("-inf")

    def upload(self, size: int) -> None:
        """Count a file as uploaded, and show it. `size` in bytes."""
        self.uploaded += 1
        self.uploaded_size += size
        self.show(now=self.uploaded == self.files)

    def index(self, completed: int) -> None:
        """Show how many files of the batches in work the provider has indexed."""
        self.indexing = completed
        self.show()

    def conclude(self, *, failed: bool = False) -> None:
        """Count a file as indexed, or as failed at any step."""
        if failed:
            self.failed += 1
        else:
            self.indexed += 1
            self.indexing = max(0, self.indexing - 1)
        self.show()

    def finish(self) -> None:
        """Show the last state, and end the line."""
        self.show(now=True)
        if self.stream.isatty():
            self.stream.write("\n")

    def show(self, *, now: bool = False) -> None:
        """Write the line, unless the last one was a moment ago."""
        terminal = self.stream.isatty()
        if not now and self.clock() - self.shown_at < (REDRAWN_SECONDS if terminal else PLAIN_SECONDS):
            return
        self.shown_at = self.clock()
        self.stream.write(f"\r[{self._bar()}] {self._text()}\x1b[K" if terminal else f"{self._text()}\n")
        self.stream.flush()

    def _bar(self) -> str:
        """Filled by uploads up to one half, and by indexing from there."""
        steps = self.uploaded + self.indexed + self.indexing + 2 * self.failed
        filled = min(WIDTH, WIDTH * steps // max(1, 2 * self.files))
        return "#" * filled + "." * (WIDTH - filled)

    def _text(self) -> str:
        """The counts."""
        failed = f", {self.failed} failed" if self.failed else ""
        return (
            f"uploaded {self.uploaded}/{self.files} files, {sized(self.uploaded_size)} of {sized(self.size)}; "
            f"indexed {self.indexed + self.indexing}/{self.files}{failed}"
        )


def sized(size: float) -> str:
    """A number of bytes as text: `3.4 MiB`."""
    for unit in _UNITS:
        if size < 1024 or unit == _UNITS[-1]:  # noqa: PLR2004 - the next unit
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError
