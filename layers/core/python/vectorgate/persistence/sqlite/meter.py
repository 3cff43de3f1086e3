"""The meters on SQLite. A row is its JSON beside its key and version."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from vectorgate.metering.model import Meter
from vectorgate.metering.ports import Schedule
from vectorgate.persistence.validation import object_part
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.ids import ProviderName
    from vectorgate.persistence.sqlite.database import Database

_ALL = "SELECT record FROM meters WHERE provider = ? ORDER BY id"
_ADD = "INSERT INTO meters (provider, id, version, record) VALUES (?, ?, 1, ?) ON CONFLICT (provider, id) DO NOTHING"
_REPLACE = "UPDATE meters SET version = ?, record = ? WHERE provider = ? AND id = ? AND version = ?"
_DROP = "DELETE FROM meters WHERE provider = ? AND id = ? AND version = ?"
_SCHEDULE = "SELECT due, pause FROM meter_schedules WHERE provider = ?"
_RESCHEDULE = """
    INSERT INTO meter_schedules (provider, due, pause) VALUES (?, ?, ?)
    ON CONFLICT (provider) DO UPDATE SET due = excluded.due, pause = excluded.pause
"""


class SqliteMeters:
    """MeterStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def meters(self, provider: ProviderName) -> Sequence[Meter]:
        """A walk along the primary key."""
        rows = self._database.rows(_ALL, (object_part(provider),))
        return [Meter.from_record(json.loads(record)) for (record,) in rows]

    def keep(self, meter: Meter) -> None:
        """One INSERT or UPDATE."""
        key = (object_part(meter.provider), object_part(meter.id))
        record = json.dumps(meter.to_record(), separators=(",", ":"))
        if meter.version == 1:
            _expect_one(self._database.change(_ADD, (*key, record)))
        else:
            _expect_one(self._database.change(_REPLACE, (meter.version, record, *key, meter.version - 1)))

    def drop(self, meter: Meter) -> None:
        """One DELETE."""
        key = (object_part(meter.provider), object_part(meter.id))
        _expect_one(self._database.change(_DROP, (*key, meter.version)))

    def schedule(self, provider: ProviderName) -> Schedule:
        """One point read."""
        for due, pause in self._database.rows(_SCHEDULE, (object_part(provider),)):
            return Schedule(due=due, pause=pause)
        return Schedule()

    def reschedule(self, provider: ProviderName, schedule: Schedule) -> None:
        """One INSERT or UPDATE."""
        self._database.change(_RESCHEDULE, (object_part(provider), schedule.due, schedule.pause))


def _expect_one(changed: int) -> None:
    if changed != 1:
        raise StateConflict("a meter was not as it had to be")
