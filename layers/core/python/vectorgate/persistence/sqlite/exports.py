"""The outbox on SQLite: settled rows in the order of settlement, how far each destination is, and dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.exports.ports import Waiting
from vectorgate.ids import OperationId

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Sequence

    from vectorgate.exports.ports import Alert
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.sqlite.database import Database

_LOG: Final = "INSERT INTO export_log (id, at_ms) VALUES (?, ?)"
_CHOSEN: Final = "SELECT destination FROM export_places"
_DROP: Final = "DELETE FROM export_places WHERE destination = ?"
# A new destination gets what is settled from now on: AUTOINCREMENT keeps the last place that there ever was.
_START: Final = """
    INSERT INTO export_places (destination, place)
    VALUES (?, coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'export_log'), 0))
    ON CONFLICT (destination) DO NOTHING
"""
_WAITING: Final = """
    SELECT place, id, at_ms FROM export_log
    WHERE place > (SELECT place FROM export_places WHERE destination = ?) ORDER BY place LIMIT ?
"""
_ADVANCE: Final = "UPDATE export_places SET place = ? WHERE destination = ? AND place < ?"
_PRUNE: Final = "DELETE FROM export_log WHERE place <= (SELECT min(place) FROM export_places)"
_SET_ASIDE: Final = """
    INSERT INTO export_dead_letters (destination, place, id, at_ms, reason) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (destination, place) DO UPDATE SET reason = excluded.reason
"""
_DEAD: Final = """
    SELECT destination, id, at_ms, reason FROM export_dead_letters ORDER BY destination DESC, place DESC LIMIT ?
"""
# Of one destination, the first ones first.
_DEAD_OF: Final = """
    SELECT place, id, at_ms FROM export_dead_letters WHERE destination = ? ORDER BY place LIMIT ?
"""
_BURY: Final = "DELETE FROM export_dead_letters WHERE destination = ? AND place = ?"
_SENT: Final = "SELECT 1 FROM export_alerts WHERE scope = ? AND id = ? AND period = ? AND kind = ?"
_MARK: Final = """
    INSERT INTO export_alerts (scope, id, period, kind) VALUES (?, ?, ?, ?)
    ON CONFLICT (scope, id, period, kind) DO NOTHING
"""


class SqliteOutbox:
    """Outbox and AlertLog. `settled` is called within the transaction of each settlement."""

    def __init__(self, database: Database, unix_ms: Callable[[], int]) -> None:
        self._database = database
        self._unix_ms = unix_ms

    def choose(self, destinations: Collection[str]) -> None:
        """Keep the places of these destinations alone. A new one gets the rows that are settled from now on."""
        with self._database.transaction() as connection:
            dropped = {name for (name,) in connection.execute(_CHOSEN)} - set(destinations)
            connection.executemany(_DROP, [(name,) for name in dropped])
            connection.executemany(_START, [(name,) for name in destinations])
            connection.execute(_PRUNE)

    def settled(self, connection: sqlite3.Connection, entries: Sequence[LedgerEntry]) -> None:
        """Add the rows of a settlement, in their order."""
        now = self._unix_ms()
        connection.executemany(_LOG, [(entry.id, now) for entry in entries])

    def waiting(self, destination: str, limit: int) -> Sequence[Waiting]:
        """A walk along the primary key."""
        rows = self._database.rows(_WAITING, (destination, limit))
        return [Waiting(place, OperationId(id_), at_ms) for place, id_, at_ms in rows]

    def advance(self, destination: str, place: int) -> None:
        """Two statements: rows that every destination has are deleted."""
        with self._database.transaction() as connection:
            connection.execute(_ADVANCE, (place, destination, place))
            connection.execute(_PRUNE)

    def set_aside(self, destination: str, row: Waiting, reason: str) -> None:
        """One INSERT."""
        self._database.change(_SET_ASIDE, (destination, row.place, row.id, row.at_ms, reason))

    def dead_letters(self, limit: int = 1_000) -> Sequence[tuple[str, str, int, str]]:
        """Destination, id, Unix milliseconds of the settlement, and reason of what was set aside. Not of the port."""
        return [(name, id_, at_ms, reason) for name, id_, at_ms, reason in self._database.rows(_DEAD, (limit,))]

    def dead_of(self, destination: str, limit: int) -> Sequence[Waiting]:
        """The dead letters of a destination, in the order of settlement. Not of the port."""
        rows = self._database.rows(_DEAD_OF, (destination, limit))
        return [Waiting(place, OperationId(id_), at_ms) for place, id_, at_ms in rows]

    def forget(self, destination: str, rows: Sequence[Waiting]) -> None:
        """Remove dead letters. Not of the port."""
        with self._database.transaction() as connection:
            connection.executemany(_BURY, [(destination, row.place) for row in rows])

    def sent(self, alerts: Collection[Alert]) -> frozenset[Alert]:
        """One point read for each alert."""
        return frozenset(alert for alert in alerts if self._database.rows(_SENT, alert))

    def mark(self, alert: Alert) -> None:
        """One INSERT."""
        self._database.change(_MARK, alert)
