"""The rows of ingestion on SQLite. An object's row is its JSON beside its key and revision."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vectorgate.ids import ObjectId
from vectorgate.ingest.model import ObjectLocation, ObjectRow
from vectorgate.persistence.validation import check_location, label_part, object_part
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from vectorgate.persistence.sqlite.database import Database

_ROW = "SELECT record FROM ingest_objects WHERE bucket = ? AND key = ?"
_ADD = """
    INSERT INTO ingest_objects (bucket, key, revision, record) VALUES (?, ?, 1, ?) ON CONFLICT (bucket, key) DO NOTHING
"""
_REPLACE = "UPDATE ingest_objects SET revision = ?, record = ? WHERE bucket = ? AND key = ? AND revision = ?"
_PRESENT_OR_UNFINISHED = """
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
_REFUSALS = "SELECT key, circumstances FROM ingest_refusals WHERE bucket = ?"
_REFUSED = """
    INSERT INTO ingest_refusals (bucket, key, circumstances) VALUES (?, ?, ?)
    ON CONFLICT (bucket, key) DO UPDATE SET circumstances = excluded.circumstances
"""
_NOT_REFUSED = "DELETE FROM ingest_refusals WHERE bucket = ? AND key = ?"
# In place of DynamoDB's TTL. A window is kept for a while: a slower thread may still count in an earlier one.
_PRUNE = "DELETE FROM ingest_pace WHERE store_id = ? AND began < ?"
_KEPT_SECONDS = 3_600


class SqliteIngest:
    """IngestStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def object_row(self, location: ObjectLocation) -> ObjectRow | None:
        """One point read."""
        for (record,) in self._database.rows(_ROW, check_location(location)):
            return ObjectRow.from_record(json.loads(record))
        return None

    def put_object_row(self, row: ObjectRow) -> None:
        """One INSERT or UPDATE."""
        key = check_location(row.location)
        record = json.dumps(row.to_record(), separators=(",", ":"))
        if row.revision == 1:
            _expect_one(self._database.change(_ADD, (*key, record)))
        else:
            _expect_one(self._database.change(_REPLACE, (row.revision, record, *key, row.revision - 1)))

    def present_or_unfinished(self, bucket: str) -> list[ObjectLocation]:
        """Objects that were not deleted, or whose files are not all deleted yet. Not a method of the port.

        A folder watcher compares them with what exists, to detect deletions.
        """
        return [ObjectLocation(bucket, key) for (key,) in self._database.rows(_PRESENT_OR_UNFINISHED, (bucket,))]

    def refusals(self, bucket: str) -> dict[str, str]:
        """The circumstances under which objects were refused permanently, by their keys. Not a method of the port.

        A folder watcher does not try them again, nor report them again, until the circumstances are others.
        """
        return dict(self._database.rows(_REFUSALS, (bucket,)))

    def put_refusal(self, location: ObjectLocation, circumstances: str | None) -> None:
        """Note that an object was refused, or with None that it is not. Its key may be one that no row can have."""
        if circumstances is None:
            self._database.change(_NOT_REFUSED, (location.bucket, location.key))
        else:
            self._database.change(_REFUSED, (location.bucket, location.key, circumstances))

    def named_store(self, team: str, name: str) -> ObjectId | None:
        """One point read."""
        for (store_id,) in self._database.rows(_NAMED, (label_part(team), label_part(name))):
            return ObjectId(store_id)
        return None

    def name_store(self, team: str, name: str, store_id: ObjectId, *, replacing: ObjectId | None) -> None:
        """One INSERT or UPDATE."""
        key = (label_part(team), label_part(name))
        if replacing is None:
            _expect_one(self._database.change(_NAME, (*key, object_part(store_id))))
        else:
            _expect_one(self._database.change(_RENAME, (object_part(store_id), *key, object_part(replacing))))

    def admit(self, rate_key: ObjectId, window: int, *, limit: int) -> bool:
        """One UPSERT, after the windows of an hour ago are deleted."""
        with self._database.transaction() as connection:
            connection.execute(_PRUNE, (object_part(rate_key), window - _KEPT_SECONDS))
            return connection.execute(_ADMIT, (rate_key, window, limit, limit)).rowcount == 1


def _expect_one(changed: int) -> None:
    if changed != 1:
        raise StateConflict("a row of ingestion was not as it had to be")
