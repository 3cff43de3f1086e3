"""The store ports on one SQLite file, or in memory: for local mode and the simulation.

One connection and one lock (`database`): SQLite has a single writer. An operation takes microseconds in memory; on a
file a write is an append to the WAL without fsync (`synchronous=NORMAL`: a power failure may lose what was written
since the last checkpoint, a crash of the process loses none). Amounts are 64-bit: at most 9.2e9 USD a bucket; more is
an error, never a float.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.persistence.sqlite.assignments import SqliteAssignments
from vectorgate.persistence.sqlite.audit import SqliteAudit
from vectorgate.persistence.sqlite.budgets import SqliteBudgets
from vectorgate.persistence.sqlite.database import Database
from vectorgate.persistence.sqlite.exports import SqliteOutbox
from vectorgate.persistence.sqlite.indexes import SqliteIndexes
from vectorgate.persistence.sqlite.ingest import SqliteIngest
from vectorgate.persistence.sqlite.ledger import SqliteLedger
from vectorgate.persistence.sqlite.meter import SqliteMeters
from vectorgate.persistence.sqlite.rates import SqliteRates
from vectorgate.persistence.sqlite.readers import SqliteKeys, SqliteOwnership
from vectorgate.persistence.sqlite.rollups import SqliteReports
from vectorgate.persistence.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.persistence.sqlite.ledger import InSettlement

__all__ = [
    "Database",
    "SqliteAssignments",
    "SqliteAudit",
    "SqliteBudgets",
    "SqliteIndexes",
    "SqliteIngest",
    "SqliteKeys",
    "SqliteLedger",
    "SqliteMeters",
    "SqliteOutbox",
    "SqliteOwnership",
    "SqliteRates",
    "SqliteReports",
    "open_stores",
    "stores_on",
]


def open_stores(path: str = ":memory:", *, on_answered: Callable[[], None] | None = None) -> Stores:
    """All ports on one database, created if it does not exist; `on_answered` as in `SqliteLedger`."""
    return stores_on(Database(path), on_answered=on_answered)


def stores_on(
    database: Database,
    *,
    on_answered: Callable[[], None] | None = None,
    in_settlement: InSettlement | None = None,
) -> Stores:
    """All ports on a database; `on_answered` and `in_settlement` as in `SqliteLedger`."""
    return Stores(
        ledger=SqliteLedger(database, on_answered=on_answered, in_settlement=in_settlement),
        ownership=SqliteOwnership(database),
        assignments=SqliteAssignments(database, on_answered=on_answered),
        keys=SqliteKeys(database),
        reports=SqliteReports(database),
        indexes=SqliteIndexes(database),
        budgets=SqliteBudgets(database),
        meters=SqliteMeters(database),
        ingest=SqliteIngest(database),
        audit=SqliteAudit(database),
        rates=SqliteRates(database),
        close=database.close,
    )
