"""The rows of ingestion on DynamoDB: each item in a partition of its own.

=======  ===================================================  ==========
item     PK                                                   SK
=======  ===================================================  ==========
object   ``ING#OBJ#<SHA-256 of bucket and key>``              ``0``
name     ``ING#NAME#<SHA-256 of team and name>``              ``0``
pace     ``ING#PACE#<hash of team and store>``                ``<window>``
=======  ===================================================  ==========

People choose the keys of objects and the names of stores: hashed, these may be any text, and collide with nothing. A
pace item's `ttl` is an hour after its window begins.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from vectorgate.ids import ObjectId
from vectorgate.persistence.dynamodb.codec import decode, decoded_names, encoded
from vectorgate.persistence.dynamodb.schema import joined
from vectorgate.persistence.dynamodb.table import IS_NEW, ConditionFailed
from vectorgate.persistence.validation import check_location, label_part, object_part
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from vectorgate.ingest.model import ObjectLocation, ObjectRow
    from vectorgate.persistence.dynamodb.schema import Item
    from vectorgate.persistence.dynamodb.table import DynamoTable

_IS_OF_REVISION: Final = "revision = :before"
_IS_THAT_STORE: Final = "store_id = :before"
_HAS_ROOM: Final = "attribute_not_exists(PK) OR admitted < :most"
_ADMIT: Final = "SET #ttl = :ttl ADD admitted :one"
_TTL_NAME: Final = {"#ttl": "ttl"}
_KEPT_SECONDS: Final = 3_600


class DynamoIngest:
    """IngestStore."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def object_row(self, location: ObjectLocation) -> ObjectRow | None:
        """One consistent GetItem."""
        from vectorgate.ingest.model import STORED_NAMES, ObjectRow  # noqa: PLC0415  # the other functions do not need it

        item = self._table.get(object_row_key(location))
        return None if item is None else ObjectRow.from_record(decoded_names(item, STORED_NAMES))

    def put_object_row(self, row: ObjectRow) -> None:
        """One PutItem."""
        item = object_row_key(row.location) | encoded(row.to_record())
        condition = _is_new() if row.revision == 1 else _is(_IS_OF_REVISION, row.revision - 1)
        try:
            self._table.put(item, **condition)
        except ConditionFailed as failure:
            raise StateConflict("object") from failure

    def named_store(self, team: str, name: str) -> ObjectId | None:
        """One consistent GetItem."""
        item = self._table.get(name_key(team, name))
        return None if item is None else ObjectId(decode(item["store_id"]))

    def name_store(self, team: str, name: str, store_id: ObjectId, *, replacing: ObjectId | None) -> None:
        """One PutItem."""
        row = {"team": team, "name": name, "store_id": object_part(store_id)}
        condition = _is_new() if replacing is None else _is(_IS_THAT_STORE, object_part(replacing))
        try:
            self._table.put(name_key(team, name) | encoded(row), **condition)
        except ConditionFailed as failure:
            raise StateConflict("name") from failure

    def admit(self, rate_key: ObjectId, window: int, *, limit: int) -> bool:
        """One TransactWriteItems: an UpdateItem that botocore repeats would count twice."""
        if limit < 1:
            return False
        values = {":one": 1, ":most": limit, ":ttl": window + _KEPT_SECONDS}
        update = {
            "Key": {"PK": joined("ING", "PACE", object_part(rate_key)), "SK": {"S": str(window)}},
            "UpdateExpression": _ADMIT,
            "ConditionExpression": _HAS_ROOM,
            "ExpressionAttributeNames": _TTL_NAME,
            "ExpressionAttributeValues": encoded(values),
        }
        try:
            self._table.transact([("Update", update)])
        except ConditionFailed:
            return False
        return True


def object_row_key(location: ObjectLocation) -> Item:
    """The primary key of an object's row."""
    return {"PK": joined("ING", "OBJ", _hash(*check_location(location))), "SK": {"S": "0"}}


def name_key(team: str, name: str) -> Item:
    """The primary key of a name's row."""
    return {"PK": joined("ING", "NAME", _hash(label_part(team), label_part(name))), "SK": {"S": "0"}}


def _is_new() -> dict[str, Any]:
    return {"ConditionExpression": IS_NEW}


def _is(condition: str, before: int | str) -> dict[str, Any]:
    return {"ConditionExpression": condition, "ExpressionAttributeValues": encoded({":before": before})}


def _hash(first: str, second: str) -> str:
    """The hash of both, with the length of the first, so that `a` + `bc` and `ab` + `c` differ."""
    return hashlib.sha256(f"{len(first)}:{first}{second}".encode()).hexdigest()
