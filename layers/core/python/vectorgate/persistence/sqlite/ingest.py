"""What ingestion keeps, on SQLite. An object's row is its JSON beside its key and revision."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vectorgate.ids import ObjectId
from vectorgate.ingest.model import ObjectLocation, ObjectRow
from vectorgate.persistence.validation import check_place, label_part, object_part
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from vectorgate.persistence.sqlite.database import Database

_ROW = "SELECT record FROM ingest_objects WHERE bucket = ? AND key = ?"
_ADD = """
    INSERT INTO ingest_objects (bucket, key, revision, record) VALUES (?, ?, 1, ?) ON CONFLICT (bucket, key) DO NOTHING
"""
_REPLACE = "UPDATE ingest_objects SET revision = ?, record = ? WHERE bucket = ? AND key = ? AND revision = ?"
_LEFT = """
    SELECT key FROM ingest_objects
    WHERE bucket = ? AND (json_extract(record, '$.gone') = 0
        OR coalesce(json_extract(record, '$.obsolete'), json_extract(record, '$.loose')) IS NOT NULL)
    ORDER BY key
"""
_NAMED = "SELECT store_id FROM ingest_names WHERE team = ? AND name = ?"
_NAME = "INSERT INTO ingest_names (team, name, store_id) VALUES (?, ?, ?) ON CONFLICT (team, name) DO NOTHING"
_RENAME = "UPDATE ingest_names SET store_id = ? WHERE team = ? AND name = ? AND store_id = ?"
_ADMIT = """
    INSERT INTO ingest_pace (store_id, began, admitted) SELECT ?, ?, 1 WHERE ? > 0
    ON CONFLICT (store_id, began) DO UPDATE SET admitted = admitted + 1 WHERE admitted < ?
"""
# In place of DynamoDB's TTL. Not at once: somebody who is slower may still count in the window before.
_PRUNE = "DELETE FROM ingest_pace WHERE store_id = ? AND began < ?"
_KEPT_SECONDS = 3_600


class SqliteIngest:
    """IngestStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def object_row(self, place: ObjectLocation) -> ObjectRow | None:
        """One point read."""
        for (record,) in self._database.rows(_ROW, check_place(place)):
            return ObjectRow.from_record(json.loads(record))
        return None

    def put_object_row(self, row: ObjectRow) -> None:
        """One INSERT or UPDATE."""
        place = check_place(row.place)
        record = json.dumps(row.to_record(), separators=(",", ":"))
        if row.revision == 1:
            _expect(self._database.change(_ADD, (*place, record)))
        else:
            _expect(self._database.change(_REPLACE, (row.revision, record, *place, row.revision - 1)))

    def unfinished_or_there(self, bucket: str) -> list[ObjectLocation]:
        """The objects that were not removed, or not wholly: for who has to look for what is gone. Not of the port."""
        return [ObjectLocation(bucket, key) for (key,) in self._database.rows(_LEFT, (bucket,))]

    def named_store(self, team: str, name: str) -> ObjectId | None:
        """One point read."""
        for (store_id,) in self._database.rows(_NAMED, (label_part(team), label_part(name))):
            return ObjectId(store_id)
        return None

    def name_store(self, team: str, name: str, store_id: ObjectId, *, instead_of: ObjectId | None) -> None:
        """One INSERT or UPDATE."""
        place = (label_part(team), label_part(name))
        if instead_of is None:
            _expect(self._database.change(_NAME, (*place, object_part(store_id))))
        else:
            _expect(self._database.change(_RENAME, (object_part(store_id), *place, object_part(instead_of))))

    def admit(self, store_id: ObjectId, window: int, *, most: int) -> bool:
        """One UPSERT, and windows of an hour ago are forgotten."""
        with self._database.transaction() as connection:
            connection.execute(_PRUNE, (object_part(store_id), window - _KEPT_SECONDS))
            return connection.execute(_ADMIT, (store_id, window, most, most)).rowcount == 1


def _expect(changed: int) -> None:
    if changed != 1:
        raise StateConflict("a row of ingestion was not as it had to be")
