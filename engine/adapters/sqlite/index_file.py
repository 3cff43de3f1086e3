"""One store's chunks, embeddings and full-text index, in one SQLite file of its own."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, LiteralString

import numpy as np

from engine.adapters.sqlite.connections import connect, transaction

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable
    from pathlib import Path

    from engine.adapters.sqlite.connections import Row
    from engine.model import Entry, Floats, Ints

DIMENSIONS: Final = 256
# Ids are never used again: one that a search still holds must not come to mean another chunk.
SCHEMA: Final = """
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
READY: Final = 1
_TEXTS: Final = "SELECT text FROM chunks WHERE attachment = ? ORDER BY position"
_CHUNK_TEXTS: Final = "SELECT id, text FROM chunks WHERE id IN (SELECT value FROM json_each(?))"
_EMBEDDINGS: Final = "SELECT id, attachment, embedding FROM chunks ORDER BY id"
_REMOVE: Final = "DELETE FROM chunks WHERE attachment = ?"
_INSERT: Final = "INSERT INTO chunks (attachment, position, text, embedding) VALUES (?, ?, ?, ?)"
_COUNTS: Final = "SELECT value, (SELECT count(*) FROM terms WHERE terms MATCH value) FROM json_each(?)"
_MATCHING: Final = (
    "SELECT value FROM json_each(?) WHERE EXISTS (SELECT 1 FROM terms WHERE terms MATCH value AND rowid = ?)"
)
_MATCH: Final = "SELECT rowid, -rank FROM terms WHERE terms MATCH ? ORDER BY rank LIMIT ?"


@dataclass(frozen=True, slots=True)
class Matrix:
    """All embeddings of a store, with the chunk and the attachment of each row; rows are in chunk order.

    `frequencies`: how many chunks match a word, counted when first asked for, and forgotten with the matrix.
    """

    chunks: Ints
    attachments: Ints
    vectors: Floats
    frequencies: dict[str, int] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return self.chunks.nbytes + self.attachments.nbytes + self.vectors.nbytes


class IndexFile:
    """One store's file. Absent until the first chunk is written, and deleted with its store, even while it is read.

    Writers share a lock: creating, filling and deleting a file must not overlap.
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
                db.execute(_REMOVE, (attachment,))
                db.executemany(_INSERT, rows)

    def remove(self, attachment: int) -> None:
        """Release an attachment's chunks."""
        with self._writing:
            if self._path.exists():
                with closing(connect(self._path)) as db:
                    db.executescript(SCHEMA)
                    db.execute(_REMOVE, (attachment,))

    def destroy(self) -> None:
        """Release everything."""
        with self._writing:
            for suffix in ("", "-wal", "-shm"):
                self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)

    def texts(self, attachment: int) -> list[str]:
        """An attachment's chunks, in order."""
        return [text for (text,) in self._rows(_TEXTS, attachment)]

    def chunk_texts(self, chunks: Iterable[int]) -> dict[int, str]:
        """The texts of some chunks."""
        return {row["id"]: row["text"] for row in self._rows(_CHUNK_TEXTS, json.dumps(list(chunks)))}

    def match(self, expression: str, limit: int) -> list[tuple[int, float]]:
        """Chunks that match a full-text expression with their BM25 weights, best first. A negative limit is none."""
        return [(row[0], row[1]) for row in self._rows(_MATCH, expression, limit)] if expression else []

    def counts(self, expressions: Iterable[str]) -> dict[str, int]:
        """How many chunks match each of the expressions."""
        return {row[0]: row[1] for row in self._rows(_COUNTS, json.dumps(list(expressions)))}

    def matching(self, expressions: Iterable[str], chunk: int) -> set[str]:
        """Those of the expressions that a chunk matches."""
        return {row[0] for row in self._rows(_MATCHING, json.dumps(list(expressions)), chunk)}

    def load(self) -> Matrix:
        """Read every embedding."""
        rows = self._rows(_EMBEDDINGS)
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
