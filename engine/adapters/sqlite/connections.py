"""Connections to SQLite, and transactions on them."""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Connection = sqlite3.Connection
Row = sqlite3.Row
BUSY_SECONDS: Final = 30.0


def connect(path: Path, *, create: bool = True) -> Connection:
    """A connection in autocommit: transactions are begun explicitly. FULL: what was answered is on the disk.

    WAL mode is a property of the file, set by what may create it: readers then never wait for a change of mode.
    """
    mode = "rwc" if create else "rw"
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={mode}",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.row_factory = sqlite3.Row
    if create:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextmanager
def transaction(connection: Connection, begin: str) -> Iterator[Connection]:
    """`begin` ... COMMIT, or ROLLBACK when the body raises."""
    connection.execute(begin)
    try:
        yield connection
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
