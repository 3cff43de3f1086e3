"""The meters on DynamoDB: an item each, in sixteen partitions for each provider, all of which a tick reads.

==========  ==================================  ================
item        PK                                  SK
==========  ==================================  ================
meter       ``METER#<provider>#<shard>``        ``<store id>``
schedule    ``METER#<provider>``                ``SCHEDULE``
==========  ==================================  ================
"""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from vectorgate.persistence.dynamodb.codec import decoded, encoded
from vectorgate.persistence.dynamodb.schema import SHARDS, joined
from vectorgate.persistence.dynamodb.table import IS_NEW, ConditionFailed
from vectorgate.persistence.validation import object_part
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.ids import ProviderName
    from vectorgate.metering.model import Meter
    from vectorgate.metering.ports import Schedule
    from vectorgate.persistence.dynamodb.schema import Item
    from vectorgate.persistence.dynamodb.table import DynamoTable

ROWS: Final = 1_000  # of a query; a megabyte, with which DynamoDB ends a page, has a few more
_IN_SHARD: Final = "PK = :shard"
_IS_OF_VERSION: Final = "version = :before"


class DynamoMeters:
    """MeterStore."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def meters(self, provider: ProviderName) -> Sequence[Meter]:
        """16 consistent queries, and one more for each further ROWS of a shard."""
        from vectorgate.metering.model import Meter  # noqa: PLC0415 - of the meter function alone

        shards = [
            self._table.query(_IN_SHARD, {":shard": _partition(provider, shard)}, limit=ROWS, ConsistentRead=True)
            for shard in range(SHARDS)
        ]
        rows = (Meter.from_record(decoded(item, Meter)) for item in chain.from_iterable(shards))
        return sorted(rows, key=lambda meter: meter.id)

    def keep(self, meter: Meter) -> None:
        """One PutItem."""
        try:
            self._table.put(
                meter_item(meter), **(_version_condition(meter.version - 1) if meter.version > 1 else _new_condition())
            )
        except ConditionFailed as failure:
            raise StateConflict("meter") from failure

    def drop(self, meter: Meter) -> None:
        """One TransactWriteItems: a DeleteItem that botocore repeats would fail because of its own first attempt."""
        try:
            self._table.transact([("Delete", {"Key": meter_key(meter), **_version_condition(meter.version)})])
        except ConditionFailed as failure:
            raise StateConflict("meter") from failure

    def schedule(self, provider: ProviderName) -> Schedule:
        """One consistent GetItem."""
        from vectorgate.metering.ports import Schedule  # noqa: PLC0415 - of the meter function alone

        item = self._table.get(_schedule_key(provider))
        return Schedule(**decoded(item, Schedule)) if item is not None else Schedule()

    def reschedule(self, provider: ProviderName, schedule: Schedule) -> None:
        """One PutItem."""
        self._table.put(_schedule_key(provider) | encoded({"due": schedule.due, "pause": schedule.pause}))


def _new_condition() -> dict[str, Any]:
    return {"ConditionExpression": IS_NEW}


def _version_condition(version: int) -> dict[str, Any]:
    return {
        "ConditionExpression": _IS_OF_VERSION,
        "ExpressionAttributeValues": encoded({":before": version}),
    }


def _partition(provider: ProviderName, shard: int) -> dict[str, Any]:
    return joined("METER", object_part(provider), str(shard))


def meter_key(meter: Meter) -> Item:
    """The primary key of a meter."""
    shard = crc32(object_part(meter.id).encode()) % SHARDS
    return {"PK": _partition(meter.provider, shard), "SK": {"S": meter.id}}


def meter_item(meter: Meter) -> Item:
    """The whole item."""
    return meter_key(meter) | encoded(meter.to_record())


def _schedule_key(provider: ProviderName) -> Item:
    return {"PK": joined("METER", object_part(provider)), "SK": {"S": "SCHEDULE"}}
