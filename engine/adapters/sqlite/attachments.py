"""`AttachmentRows` on SQLite."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from engine.adapters.sqlite.paging import Listing, page
from engine.model import Attachment, ChunkSizes, Failure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from engine.adapters.sqlite.connections import Connection, Row
    from engine.model import AttributeValue, NewAttachment, Page, PageQuery, Status

_DETACH = "DELETE FROM attachments WHERE store_id = ? AND file_id = ?"
_INSERT = (
    "INSERT INTO attachments (store_id, file_id, created_at, status, attributes, max_tokens, overlap_tokens)"
    " VALUES (?, ?, ?, 'in_progress', ?, ?, ?)"
)
_GET = "SELECT * FROM attachments WHERE store_id = ? AND file_id = ?"
_LIST = "SELECT * FROM attachments WHERE store_id = :store_id AND (:status IS NULL OR status = :status)"
CURSOR = "SELECT created_at, seq FROM attachments WHERE store_id = :store_id AND file_id = :cursor"
_SET_ATTRIBUTES = "UPDATE attachments SET attributes = ? WHERE seq = ?"
_USAGE = "SELECT coalesce(sum(usage_bytes), 0) FROM attachments WHERE store_id = ?"
_COUNTS = "SELECT status, count(*) FROM attachments WHERE store_id = ? GROUP BY status"
_COMPLETED = "SELECT seq FROM attachments WHERE store_id = ? AND status = 'completed'"
_COMPLETED_ATTRIBUTES = "SELECT seq, attributes FROM attachments WHERE store_id = ? AND status = 'completed'"
_DESCRIBED = "SELECT a.*, f.filename FROM attachments a JOIN files f ON f.id = a.file_id WHERE a.seq = ?"


class SqliteAttachments:
    """Rows of files in stores."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    def put(self, store_id: str, files: Sequence[NewAttachment], now: int) -> None:
        """Attach files as jobs to do, each instead of an earlier attachment of the same file."""
        for file in files:
            sizes, attributes = file.sizes, _dumped(file.attributes)
            self._db.execute(_DETACH, (store_id, file.file_id))
            self._db.execute(_INSERT, (store_id, file.file_id, now, attributes, sizes.max_tokens, sizes.overlap_tokens))

    def get(self, store_id: str, file_id: str) -> Attachment | None:
        """One file of a store."""
        row = self._db.execute(_GET, (store_id, file_id)).fetchone()
        return to_attachment(row) if row else None

    def page(self, store_id: str, query: PageQuery, status: Status | None) -> Page[Attachment]:
        """Part of a store's list, by time of attachment. UnknownCursor."""
        return page(self._db, Listing(_LIST, CURSOR, {"store_id": store_id, "status": status}), query, to_attachment)

    def set_attributes(self, attachment: int, attributes: Mapping[str, AttributeValue] | None) -> None:
        """Replace the attributes."""
        self._db.execute(_SET_ATTRIBUTES, (_dumped(attributes), attachment))

    def delete(self, attachment: int) -> None:
        """Detach the file."""
        self._db.execute("DELETE FROM attachments WHERE seq = ?", (attachment,))

    def usage_bytes(self, store_id: str) -> int:
        """What the chunks of a store take together."""
        return int(self._db.execute(_USAGE, (store_id,)).fetchone()[0])

    def counts(self, store_id: str) -> Mapping[Status, int]:
        """How many files of a store have which status."""
        return dict(self._db.execute(_COUNTS, (store_id,)).fetchall())

    def completed(self, store_id: str) -> list[int]:
        """The numbers of the attachments that a search may see."""
        return [number for (number,) in self._db.execute(_COMPLETED, (store_id,))]

    def completed_attributes(self, store_id: str) -> Iterator[tuple[int, Mapping[str, AttributeValue]]]:
        """The same, each with its attributes."""
        rows = self._db.execute(_COMPLETED_ATTRIBUTES, (store_id,))
        return ((number, json.loads(attributes or "{}")) for number, attributes in rows)

    def described(self, attachment: int) -> tuple[Attachment, str] | None:
        """An attachment and the name of its file."""
        row = self._db.execute(_DESCRIBED, (attachment,)).fetchone()
        return (to_attachment(row), row["filename"]) if row else None


def _dumped(attributes: Mapping[str, AttributeValue] | None) -> str | None:
    return None if attributes is None else json.dumps(attributes)


def to_attachment(row: Row) -> Attachment:
    """A row as the engine's record."""
    return Attachment(
        number=row["seq"],
        store_id=row["store_id"],
        file_id=row["file_id"],
        created_at=row["created_at"],
        status=row["status"],
        usage_bytes=row["usage_bytes"],
        attributes=None if row["attributes"] is None else json.loads(row["attributes"]),
        sizes=to_sizes(row),
        failure=Failure(row["error_code"], row["error_message"]) if row["error_code"] else None,
    )


def to_sizes(row: Row) -> ChunkSizes:
    """The sizes of its chunks."""
    return ChunkSizes(row["max_tokens"], row["overlap_tokens"])
