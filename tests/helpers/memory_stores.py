"""Stores on SQLite in memory that are copies: to create the tables takes 5 ms, to copy them a tenth of that."""

from __future__ import annotations

from functools import cache

from vectorgate.persistence.sqlite import (
    Database,
    SqliteAssignments,
    SqliteAudit,
    SqliteBudgets,
    SqliteIndexes,
    SqliteIngest,
    SqliteKeys,
    SqliteLedger,
    SqliteMeters,
    SqliteOwnership,
    SqliteRates,
    SqliteReports,
)
from vectorgate.persistence.stores import Stores


class CopiedDatabase(Database):
    """A database in memory that starts with the tables and rows of another one."""

    def __init__(self, template: Database) -> None:
        self._template = template
        super().__init__()

    def _prepare(self) -> None:
        self._template._connection.backup(self._connection)
        super()._prepare()


def memory_stores() -> Stores:
    """Return stores without rows, as `open_stores` does."""
    return copied_stores(_empty())


def copied_stores(template: Database) -> Stores:
    """Return stores with the rows of a database."""
    database = CopiedDatabase(template)
    return Stores(
        ledger=SqliteLedger(database),
        ownership=SqliteOwnership(database),
        assignments=SqliteAssignments(database),
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


@cache
def _empty() -> Database:
    return Database()
