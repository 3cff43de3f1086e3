"""`BatchRows` on SQLite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.adapters.sqlite.attachments import CURSOR, to_attachment
from engine.adapters.sqlite.paging import Listing, page
from engine.model import Batch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from engine.adapters.sqlite.connections import Connection
    from engine.model import Attachment, Page, PageQuery, Status

_INSERT = "INSERT INTO batches (id, store_id, created_at) VALUES (?, ?, ?)"
_INSERT_FILE = "INSERT INTO batch_files (batch_id, file_id) VALUES (?, ?)"
_GET = "SELECT * FROM batches WHERE id = ? AND store_id = ?"
_LIST = (
    "SELECT a.* FROM batch_files b JOIN attachments a ON a.file_id = b.file_id AND a.store_id = :store_id"
    " WHERE b.batch_id = :batch_id AND (:status IS NULL OR a.status = :status)"
)
_COUNTS = (
    "SELECT a.status, count(*) FROM batch_files b JOIN attachments a ON a.file_id = b.file_id AND a.store_id = ?"
    " WHERE b.batch_id = ? GROUP BY a.status"
)
_CANCEL_FILES = (
    "UPDATE attachments SET status = 'cancelled' WHERE status = 'in_progress' AND store_id = ?"
    " AND file_id IN (SELECT file_id FROM batch_files WHERE batch_id = ?)"
)
_CANCEL = "UPDATE batches SET cancelled = 1 WHERE id = ?"


class SqliteBatches:
    """Rows of file batches."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def add(self, batch: Batch, file_ids: Sequence[str]) -> None:
        """Record a batch of files that are attached."""
        self._db.execute(_INSERT, (batch.id, batch.store_id, batch.created_at))
        self._db.executemany(_INSERT_FILE, [(batch.id, file_id) for file_id in file_ids])

    def get(self, store_id: str, batch_id: str) -> Batch | None:
        """A batch of that store."""
        row = self._db.execute(_GET, (batch_id, store_id)).fetchone()
        return Batch(row["id"], row["store_id"], row["created_at"], bool(row["cancelled"])) if row else None

    def page(self, batch: Batch, query: PageQuery, status: Status | None) -> Page[Attachment]:
        """Part of the list of a batch's files. UnknownCursor."""
        params = {"store_id": batch.store_id, "batch_id": batch.id, "status": status}
        listing = Listing(_LIST, CURSOR, params, columns=("a.created_at", "a.seq"))
        return page(self._db, listing, query, to_attachment)

    def counts(self, batch: Batch) -> Mapping[Status, int]:
        """How many files of the batch have which status."""
        return dict(self._db.execute(_COUNTS, (batch.store_id, batch.id)).fetchall())

    def cancel(self, batch: Batch) -> None:
        """Cancel the files in progress; mark the batch as cancelled if there were any."""
        if self._db.execute(_CANCEL_FILES, (batch.store_id, batch.id)).rowcount > 0:
            self._db.execute(_CANCEL, (batch.id,))
