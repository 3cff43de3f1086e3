"""The audit on SQLite, and the writes of other adapters with the record of the change."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from vectorgate.audit.model import AuditRecord
from vectorgate.persistence.validation import check_audit, check_audit_query
from vectorgate.store_errors import AlreadyExists

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from vectorgate.audit.model import AuditQuery
    from vectorgate.persistence.sqlite.database import Database, Values

_ADD: Final = "INSERT INTO audit (at_ms, id, record) VALUES (?, ?, ?) ON CONFLICT (at_ms, id) DO NOTHING"
_NEWEST: Final = """
    SELECT record FROM audit WHERE at_ms >= ? AND (at_ms, id) < (?, ?) ORDER BY at_ms DESC, id DESC LIMIT ?
"""


class SqliteAudit:
    """AuditLog."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, record: AuditRecord) -> None:
        """One INSERT."""
        if self._database.change(_ADD, _columns(record)) == 0:
            raise AlreadyExists("audit record")

    def search(self, query: AuditQuery) -> Sequence[AuditRecord]:
        """A walk along the primary key."""
        check_audit_query(query)
        end = (query.end_ms, "")
        before = min(end, query.before) if query.before is not None else end
        rows = self._database.rows(_NEWEST, (query.start_ms, *before, max(query.limit, 0)))
        return [AuditRecord.from_record(json.loads(record)) for (record,) in rows]


def recorded(
    database: Database,
    statement: str,
    values: Values,
    audit: AuditRecord | None,
    beside: Callable[[sqlite3.Connection], None] | None = None,
) -> int:
    """Run one statement; if it changed a row, add the record and do what is beside, in one transaction.

    The number of changed rows.
    """
    if audit is None and beside is None:
        return database.change(statement, values)
    with database.transaction() as connection:
        changed = connection.execute(statement, values).rowcount
        if changed and beside is not None:
            beside(connection)
        if changed and audit is not None:
            add_audit(connection, audit)
    return changed


def add_audit(connection: sqlite3.Connection, audit: AuditRecord) -> None:
    """Add a record within a transaction."""
    connection.execute(_ADD, _columns(audit))


def _columns(audit: AuditRecord) -> tuple[Any, ...]:
    check_audit(audit)
    return audit.at_ms, audit.id, json.dumps(audit.to_record())
