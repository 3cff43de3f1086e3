"""`FileRows` on SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.adapters.sqlite.paging import Listing, page
from engine.model import File

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.adapters.sqlite.connections import Connection, Row
    from engine.model import Page, PageQuery

_INSERT = "INSERT INTO files (id, filename, purpose, bytes, created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)"
_FIND = "SELECT * FROM files WHERE id = ?"
_GET = "SELECT * FROM files WHERE id = ? AND (expires_at IS NULL OR expires_at > ?)"
_LIST = (
    "SELECT * FROM files WHERE (:purpose IS NULL OR purpose = :purpose) AND (expires_at IS NULL OR expires_at > :now)"
)
_CURSOR = "SELECT created_at, seq FROM files WHERE id = :cursor"


class SqliteFiles:
    """Rows of files. Deleting one detaches it everywhere: the schema cascades."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, file: File) -> None:
        """Record a file whose bytes are in place."""
        self._db.execute(_INSERT, (file.id, file.filename, file.purpose, file.size, file.created_at, file.expires_at))

    def get(self, file_id: str, now: int) -> File | None:
        """The file, unless it is absent or expired."""
        row = self._db.execute(_GET, (file_id, now)).fetchone()
        return _file(row) if row else None

    def find(self, file_id: str) -> File | None:
        """The file, expired or not."""
        row = self._db.execute(_FIND, (file_id,)).fetchone()
        return _file(row) if row else None

    def absent(self, file_ids: Sequence[str], now: int) -> list[str]:
        """Those of the ids that `get` would not find, in their order."""
        return [file_id for file_id in file_ids if self._db.execute(_GET, (file_id, now)).fetchone() is None]

    def page(self, query: PageQuery, *, purpose: str | None, now: int) -> Page[File]:
        """Part of the list, by time of creation. UnknownCursor."""
        return page(self._db, Listing(_LIST, _CURSOR, {"purpose": purpose, "now": now}), query, _file)

    def delete(self, file_id: str) -> None:
        """Delete the file and its attachments to every store."""
        self._db.execute("DELETE FROM files WHERE id = ?", (file_id,))

    def expire(self, now: int) -> None:
        """Delete what is past its expiry."""
        self._db.execute("DELETE FROM files WHERE expires_at <= ?", (now,))


def _file(row: Row) -> File:
    return File(row["id"], row["filename"], row["purpose"], row["bytes"], row["created_at"], row["expires_at"])
