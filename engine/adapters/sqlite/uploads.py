"""`UploadRows` on SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.model import Upload

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.adapters.sqlite.connections import Connection, Row
    from engine.model import UploadStatus

_INSERT = (
    "INSERT INTO uploads (id, filename, purpose, bytes, created_at, expires_at, file_seconds)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_GET = "SELECT * FROM uploads WHERE id = ?"
_INSERT_PART = "INSERT INTO upload_parts (id, upload_id, bytes) VALUES (?, ?, ?)"
_PART_SIZES = "SELECT id, bytes FROM upload_parts WHERE upload_id = ?"
_SETTLE = "UPDATE uploads SET status = ?, file_id = ? WHERE id = ? AND status = 'pending'"
_DELETE_PARTS = "DELETE FROM upload_parts WHERE upload_id = ?"
_EXPIRE = "UPDATE uploads SET status = 'expired' WHERE status = 'pending' AND expires_at <= ?"
_DELETE_SETTLED_PARTS = "DELETE FROM upload_parts WHERE upload_id IN (SELECT id FROM uploads WHERE status <> 'pending')"


class SqliteUploads:
    """Rows of uploads in parts."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, upload: Upload) -> None:
        """Record an announced upload."""
        self._db.execute(
            _INSERT,
            (
                upload.id,
                upload.filename,
                upload.purpose,
                upload.size,
                upload.created_at,
                upload.expires_at,
                upload.file_seconds,
            ),
        )

    def get(self, upload_id: str) -> Upload | None:
        """The upload."""
        row = self._db.execute(_GET, (upload_id,)).fetchone()
        return _upload(row) if row else None

    def add_part(self, upload_id: str, part_id: str, size: int) -> None:
        """Record a part whose bytes are in place."""
        self._db.execute(_INSERT_PART, (part_id, upload_id, size))

    def part_sizes(self, upload_id: str) -> Mapping[str, int]:
        """The sizes of its parts by their ids."""
        return dict(self._db.execute(_PART_SIZES, (upload_id,)).fetchall())

    def settle(self, upload_id: str, status: UploadStatus, file_id: str | None = None) -> None:
        """End a pending upload, and delete its parts."""
        self._db.execute(_SETTLE, (status, file_id, upload_id))
        self._db.execute(_DELETE_PARTS, (upload_id,))

    def expire(self, now: int) -> None:
        """End the pending uploads that are past their expiry, and delete their parts."""
        if self._db.execute(_EXPIRE, (now,)).rowcount:
            self._db.execute(_DELETE_SETTLED_PARTS)


def _upload(row: Row) -> Upload:
    return Upload(
        id=row["id"],
        filename=row["filename"],
        purpose=row["purpose"],
        size=row["bytes"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        file_seconds=row["file_seconds"],
        status=row["status"],
        file_id=row["file_id"],
    )
