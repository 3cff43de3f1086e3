"""`Catalogue` on one SQLite database: a pool of connections, and one writer at a time."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.adapters.sqlite.connections import connect, transaction
from engine.adapters.sqlite.rows import SqliteRows
from engine.adapters.sqlite.schema import SCHEMA

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class SqliteCatalogue:
    """The rows in `path`. Connections are made as threads need them at once, and kept."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._idle: list[SqliteRows] = []
        # SQLite would serialise writers too, but by polling; a lock is fair and wakes at once.
        self._writing = threading.Lock()
        with self._session() as rows:
            rows.connection.executescript(SCHEMA)

    @contextmanager
    def read(self) -> Iterator[SqliteRows]:
        """One snapshot for all that the body reads."""
        with self._session() as rows, transaction(rows.connection, "BEGIN"):
            yield rows

    @contextmanager
    def write(self) -> Iterator[SqliteRows]:
        """One transaction, alone in writing; durable when the body ends, undone when it raises."""
        with self._writing, self._session() as rows, transaction(rows.connection, "BEGIN IMMEDIATE"):
            yield rows

    def close(self) -> None:
        """Close the connections. No transaction may be open."""
        while self._idle:
            self._idle.pop().connection.close()

    @contextmanager
    def _session(self) -> Iterator[SqliteRows]:
        try:
            rows = self._idle.pop()
        except IndexError:
            rows = SqliteRows(connect(self._path))
        try:
            yield rows
        finally:
            self._idle.append(rows)
