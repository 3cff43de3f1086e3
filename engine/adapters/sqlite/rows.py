"""`Rows` on one connection, within the transaction that is open on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.adapters.sqlite.attachments import SqliteAttachments
from engine.adapters.sqlite.batches import SqliteBatches
from engine.adapters.sqlite.files import SqliteFiles
from engine.adapters.sqlite.garbage import SqliteGarbage
from engine.adapters.sqlite.responses import SqliteResponses
from engine.adapters.sqlite.stores import SqliteStores
from engine.adapters.sqlite.uploads import SqliteUploads

if TYPE_CHECKING:
    from engine.adapters.sqlite.connections import Connection

_BLOB_IDS = (
    "SELECT id FROM files UNION SELECT id FROM upload_parts UNION SELECT object_id FROM garbage WHERE kind = 'blob'"
)


class SqliteRows:
    """All rows of the catalogue."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.files = SqliteFiles(connection)
        self.stores = SqliteStores(connection)
        self.attachments = SqliteAttachments(connection)
        self.batches = SqliteBatches(connection)
        self.uploads = SqliteUploads(connection)
        self.responses = SqliteResponses(connection)
        self.garbage = SqliteGarbage(connection)

    def blob_ids(self) -> frozenset[str]:
        """The ids of all bytes that there should be."""
        return frozenset(blob_id for (blob_id,) in self.connection.execute(_BLOB_IDS))
