"""Bytes in a folder. A blob exists whole or not at all, and its name is a checked id: never a caller's words."""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vectorgate.ids import is_object_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import IO, BinaryIO


class FolderBlobs:
    """`BlobStore` as `DIR/files/<id>`, filled through `DIR/incoming/`: the same file system, so a rename is atomic."""

    def __init__(self, home: Path) -> None:
        self._files = home / "files"
        self._incoming = home / "incoming"
        self._files.mkdir(parents=True, exist_ok=True)
        self._incoming.mkdir(parents=True, exist_ok=True)

    def put(self, blob_id: str, pieces: Iterable[bytes]) -> int:
        """Store the pieces as one blob, durable when it returns; its size."""
        path = self._path(blob_id)
        with self._temporary() as target:
            for piece in pieces:
                target.write(piece)
            size = target.tell()
            target.flush()
            os.fsync(target.fileno())
            Path(target.name).rename(path)
        self._make_names_durable()
        return size

    def open(self, blob_id: str) -> BinaryIO:
        """The bytes, to read."""
        return self._path(blob_id).open("rb")

    @contextmanager
    def local_file(self, blob_id: str) -> Iterator[Path]:
        """The blob's own file."""
        yield self._path(blob_id)

    def discard(self, blob_id: str) -> None:
        """Release the bytes; nothing happens if there are none."""
        self._path(blob_id).unlink(missing_ok=True)

    def clear(self, known: frozenset[str]) -> None:
        """Release what a crash left behind: an incomplete file, or one that was never recorded."""
        for leftover in self._incoming.iterdir():
            leftover.unlink()
        for blob in self._files.iterdir():
            if blob.name not in known:
                blob.unlink()

    def _path(self, blob_id: str) -> Path:
        if not is_object_id(blob_id):
            raise ValueError(f"not an id: {blob_id!r}")
        return self._files / blob_id

    @contextmanager
    def _temporary(self) -> Iterator[IO[bytes]]:
        """A file to fill, removed at the end unless it was renamed."""
        with tempfile.NamedTemporaryFile(dir=self._incoming, delete=False) as target:
            try:
                yield target
            finally:
                Path(target.name).unlink(missing_ok=True)

    def _make_names_durable(self) -> None:
        """A name is durable only with its folder."""
        folder = os.open(self._files, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
