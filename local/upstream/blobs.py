"""File bytes on disk. A blob exists whole or not at all, and its name is a checked id: never a caller's words."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from local.upstream.ids import is_id


class Blobs:
    """``DIR/files/<id>``, filled by way of ``DIR/incoming/``: the same file system, so that a rename is atomic."""

    def __init__(self, home: Path) -> None:
        self._files = home / "files"
        self._incoming = home / "incoming"
        self._files.mkdir(parents=True, exist_ok=True)
        self._incoming.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def receive(self) -> Iterator[IO[bytes]]:
        """A named temporary file to write to, gone at the end unless it was kept."""
        with tempfile.NamedTemporaryFile(dir=self._incoming, delete=False) as target:
            try:
                yield target
            finally:
                Path(target.name).unlink(missing_ok=True)

    def keep(self, target: IO[bytes], file_id: str) -> int:
        """Make what was received the blob of ``file_id``; its size in bytes."""
        target.flush()
        os.fsync(target.fileno())
        Path(target.name).rename(self.path(file_id))
        # The name is durable only with its folder.
        folder = os.open(self._files, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return self.path(file_id).stat().st_size

    def path(self, file_id: str) -> Path:
        """Where the bytes of ``file_id`` are."""
        if not is_id(file_id):
            raise ValueError(f"not an id: {file_id!r}")
        return self._files / file_id

    def discard(self, file_id: str) -> None:
        """Release the bytes."""
        self.path(file_id).unlink(missing_ok=True)

    def clear(self, known: frozenset[str]) -> None:
        """Drop what uploads left behind when the process died: half a file, or one that was never recorded."""
        for leftover in self._incoming.iterdir():
            leftover.unlink()
        for blob in self._files.iterdir():
            if blob.name not in known:
                blob.unlink()
