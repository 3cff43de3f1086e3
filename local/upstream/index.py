"""One store's chunks, embeddings and full-text index, in one SQLite file of its own.

A file a store, because nothing of a neighbour may show: term statistics are the store's own, a busy store does not slow
another, and deleting a store is deleting its file. The catalogue decides which attachments are visible; chunks of any
other are leftovers of a crash that nobody can see, waiting to be collected.
"""

import json
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import LiteralString

import numpy as np
import numpy.typing as npt

from local.upstream.db import Row, connect, transaction
from local.upstream.embed import DIMENSIONS, Floats
from local.upstream.ids import is_id

Ints = npt.NDArray[np.int64]

# 256 MiB of embeddings: a quarter of a million chunks.
CACHED_BYTES = 256 * 2**20

# Ids are never used again: one that a search still holds must not come to mean another chunk.
SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS chunks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  attachment INTEGER NOT NULL,
  position INTEGER NOT NULL,
  text TEXT NOT NULL,
  embedding BLOB NOT NULL,
  UNIQUE (attachment, position)
) STRICT;
CREATE VIRTUAL TABLE IF NOT EXISTS terms USING fts5 (
  text, content = 'chunks', content_rowid = 'id', tokenize = 'porter unicode61 remove_diacritics 2'
);
CREATE TRIGGER IF NOT EXISTS chunk_added AFTER INSERT ON chunks BEGIN
  INSERT INTO terms (rowid, text) VALUES (NEW.id, NEW.text);
END;
CREATE TRIGGER IF NOT EXISTS chunk_removed AFTER DELETE ON chunks BEGIN
  INSERT INTO terms (terms, rowid, text) VALUES ('delete', OLD.id, OLD.text);
END;
PRAGMA user_version = 1;
COMMIT;
"""
READY = 1
TEXTS = "SELECT text FROM chunks WHERE attachment = ? ORDER BY position"
TEXT = "SELECT id, text FROM chunks WHERE id IN (SELECT value FROM json_each(?))"
EMBEDDINGS = "SELECT id, attachment, embedding FROM chunks ORDER BY id"
REMOVE = "DELETE FROM chunks WHERE attachment = ?"
INSERT = "INSERT INTO chunks (attachment, position, text, embedding) VALUES (?, ?, ?, ?)"
COUNT = "SELECT count(*) FROM terms WHERE terms MATCH ?"
MATCH = "SELECT rowid, -rank FROM terms WHERE terms MATCH ? ORDER BY rank LIMIT ?"


@dataclass(frozen=True, slots=True)
class Entry:
    """A chunk ready to be stored."""

    text: str
    embedding: Floats


@dataclass(frozen=True, slots=True)
class Matrix:
    """All embeddings of a store, with the chunk and the attachment of each row; rows are in chunk order."""

    chunks: Ints
    attachments: Ints
    vectors: Floats
    frequencies: dict[str, int] = field(default_factory=dict)
    """How many chunks match a word: counted when first asked for, forgotten with the matrix."""

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return self.chunks.nbytes + self.attachments.nbytes + self.vectors.nbytes


def size_of(entries: Iterable[Entry]) -> int:
    """``usage_bytes``: the UTF-8 length of every chunk's text (overlaps count, they are stored) plus its embedding."""
    return sum(len(entry.text.encode()) + entry.embedding.nbytes for entry in entries)


class Index:
    """One store's index file. Absent until the first chunk is written, and gone with its store, even while it is read.

    Writers share a lock: creating, filling and unlinking a file must not overlap.
    """

    def __init__(self, path: Path, writing: threading.Lock) -> None:
        self._path = path
        self._writing = writing

    def replace(self, attachment: int, entries: Iterable[Entry]) -> None:
        """Store an attachment's chunks, in one transaction, instead of what an earlier try may have left."""
        rows = ((attachment, i, entry.text, entry.embedding.tobytes()) for i, entry in enumerate(entries))
        with self._writing, closing(connect(self._path)) as db:
            db.executescript(SCHEMA)
            with transaction(db, "BEGIN IMMEDIATE"):
                db.execute(REMOVE, (attachment,))
                db.executemany(INSERT, rows)

    def remove(self, attachment: int) -> None:
        """Release an attachment's chunks."""
        with self._writing:
            if self._path.exists():
                with closing(connect(self._path)) as db:
                    db.executescript(SCHEMA)
                    db.execute(REMOVE, (attachment,))

    def destroy(self) -> None:
        """Release everything."""
        with self._writing:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def texts(self, attachment: int) -> list[str]:
        """An attachment's chunks, in order."""
        return [text for (text,) in self._rows(TEXTS, attachment)]

    def text(self, chunks: Iterable[int]) -> dict[int, str]:
        """The texts of some chunks."""
        return {row["id"]: row["text"] for row in self._rows(TEXT, json.dumps(list(chunks)))}

    def match(self, expression: str, limit: int) -> list[tuple[int, float]]:
        """Chunks that match a full-text expression with their BM25 weights, best first. A negative limit is none."""
        return [(row[0], row[1]) for row in self._rows(MATCH, expression, limit)] if expression else []

    def count(self, expression: str) -> int:
        """How many chunks match."""
        return sum(row[0] for row in self._rows(COUNT, expression))

    def load(self) -> Matrix:
        """Read every embedding."""
        rows = self._rows(EMBEDDINGS)
        vectors = np.frombuffer(b"".join(row[2] for row in rows), dtype=np.float32)
        return Matrix(
            chunks=np.array([row[0] for row in rows], dtype=np.int64),
            attachments=np.array([row[1] for row in rows], dtype=np.int64),
            vectors=vectors.reshape(len(rows), DIMENSIONS),
        )

    def _rows(self, sql: LiteralString, *params: str | int) -> list[Row]:
        """What a query finds: nothing where there is no index, not yet or not any more."""
        if not self._path.exists():
            return []
        try:
            with closing(connect(self._path, create=False)) as db:
                ready = db.execute("PRAGMA user_version").fetchone()[0] == READY
                return db.execute(sql, params).fetchall() if ready else []
        except sqlite3.OperationalError:
            if self._path.exists():
                raise
            return []


class Indexes:
    """The folder of index files, and the matrices of the stores searched last."""

    def __init__(self, home: Path, cached_bytes: int = CACHED_BYTES) -> None:
        self._folder = home / "indexes"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._cached_bytes = cached_bytes
        self._cache: OrderedDict[str, Matrix] = OrderedDict()
        self._changes: dict[str, int] = {}
        self._lock = threading.Lock()
        self._writing = threading.Lock()

    def open(self, store_id: str) -> Index:
        """A store's index."""
        if not is_id(store_id):
            raise ValueError(f"not an id: {store_id!r}")
        return Index(self._folder / f"{store_id}.db", self._writing)

    def changed(self, store_id: str) -> None:
        """Forget a store's matrix, after a commit to its index."""
        with self._lock:
            self._changes[store_id] = self._changes.get(store_id, 0) + 1
            self._cache.pop(store_id, None)

    def matrix(self, store_id: str) -> Matrix:
        """A store's embeddings, from memory if they are there."""
        with self._lock:
            change = self._changes.get(store_id, 0)
            cached = self._cache.get(store_id)
            if cached is not None:
                self._cache.move_to_end(store_id)
                return cached
        matrix = self.open(store_id).load()
        with self._lock:
            # A change that came while we were reading would be lost if this were kept.
            if self._changes.get(store_id, 0) == change:
                self._cache[store_id] = matrix
                self._evict()
        return matrix

    def _evict(self) -> None:
        while len(self._cache) > 1 and sum(matrix.nbytes for matrix in self._cache.values()) > self._cached_bytes:
            self._cache.popitem(last=False)
