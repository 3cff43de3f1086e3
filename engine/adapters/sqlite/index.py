"""`VectorIndex` on SQLite: a file for each store, and the embeddings of the stores searched last in memory.

A file for each store, so that no store can influence another: term statistics are the store's own, a busy store does
not slow others, and deleting a store is deleting its file. The catalogue decides which attachments are visible; chunks
of any other are leftovers of a crash, waiting to be collected.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.adapters.sqlite.index_file import IndexFile
from engine.adapters.sqlite.scoring import cosine, lexical
from engine.model import Candidates
from vectorgate.ids import is_object_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from engine.adapters.sqlite.index_file import Matrix
    from engine.model import Entry, Ints, Query

CACHED_BYTES: Final = 256 * 2**20  # of embeddings: a quarter of a million chunks


class SqliteIndex:
    """The folder of index files, and their matrices."""

    def __init__(self, home: Path, cached_bytes: int = CACHED_BYTES) -> None:
        self._folder = home / "indexes"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._cached_bytes = cached_bytes
        self._cache: OrderedDict[str, Matrix] = OrderedDict()
        self._changes: dict[str, int] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def replace(self, store_id: str, attachment: int, entries: Sequence[Entry]) -> None:
        """Store an attachment's chunks, all or none, instead of those of an earlier try."""
        self.file(store_id).replace(attachment, entries)
        self._changed(store_id)

    def remove(self, store_id: str, attachment: int) -> None:
        """Release an attachment's chunks."""
        self.file(store_id).remove(attachment)
        self._changed(store_id)

    def drop(self, store_id: str) -> None:
        """Release a store's index."""
        self.file(store_id).destroy()
        self._changed(store_id)

    def texts(self, store_id: str, attachment: int) -> list[str]:
        """An attachment's chunks, in order."""
        return self.file(store_id).texts(attachment)

    def chunk_texts(self, store_id: str, chunks: Iterable[int]) -> dict[int, str]:
        """The texts of some chunks; one that is deleted is left out."""
        return self.file(store_id).chunk_texts(chunks)

    def candidates(self, store_id: str, query: Query, visible: Ints) -> Candidates:
        """Score the chunks of the visible attachments."""
        matrix = self._matrix(store_id)
        seen = np.isin(matrix.attachments, visible)
        semantic = cosine(matrix, query.vector)[seen]
        weights = None
        if query.lexical:
            weights = lexical(self.file(store_id), matrix, query.text, seen)[seen]
        return Candidates(matrix.chunks[seen], matrix.attachments[seen], semantic, weights)

    def file(self, store_id: str) -> IndexFile:
        """A store's file, which need not exist. ValueError for what is no id."""
        if not is_object_id(store_id):
            raise ValueError(f"not an id: {store_id!r}")
        return IndexFile(self._folder / f"{store_id}.db", self._writing)

    def _changed(self, store_id: str) -> None:
        """Forget a store's matrix, after a commit to its file."""
        with self._lock:
            self._changes[store_id] = self._changes.get(store_id, 0) + 1
            self._cache.pop(store_id, None)

    def _matrix(self, store_id: str) -> Matrix:
        """A store's embeddings, from memory if they are there."""
        with self._lock:
            change = self._changes.get(store_id, 0)
            cached = self._cache.get(store_id)
            if cached is not None:
                self._cache.move_to_end(store_id)
                return cached
        matrix = self.file(store_id).load()
        with self._lock:
            # A change that was committed during the reading would be lost if this were kept.
            if self._changes.get(store_id, 0) == change:
                self._cache[store_id] = matrix
                self._evict()
        return matrix

    def _evict(self) -> None:
        while len(self._cache) > 1 and sum(matrix.nbytes for matrix in self._cache.values()) > self._cached_bytes:
            self._cache.popitem(last=False)
