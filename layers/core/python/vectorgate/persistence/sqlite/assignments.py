"""Adoptions, transfers and shares on SQLite: one transaction for all rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.persistence.sqlite.audit import add_audit
from vectorgate.persistence.sqlite.ledger import UNLIST, insert_entry
from vectorgate.persistence.validation import check_assignments
from vectorgate.store_errors import AlreadyExists, StateConflict
from vectorgate.tenancy.sharing import shared_with

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.ledger.assignments import Assignment
    from vectorgate.persistence.sqlite.database import Database

_ADOPT: Final = """
    INSERT INTO ownership (provider, kind, id, tenant, key_id, created_at, end_user, parent, snapshot, holders)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (provider, kind, id) DO NOTHING
"""
_TRANSFER: Final = """
    UPDATE ownership SET tenant = ?, key_id = ?, end_user = ?, holders = ?, shares = ?
    WHERE provider = ? AND kind = ? AND id = ? AND tenant = ? AND holders IS ? AND shares IS ? AND retired_at IS NULL
"""
_LIST: Final = "INSERT INTO shared (tenant, provider, kind, created_at, id) VALUES (?, ?, ?, ?, ?)"


class SqliteAssignments:
    """AssignmentStore. `on_answered` as in `SqliteLedger`."""

    def __init__(self, database: Database, *, on_answered: Callable[[], None] | None = None) -> None:
        self._database = database
        self._on_answered = on_answered

    def assign(self, assignments: Sequence[Assignment], *, audit: Sequence[AuditRecord] = ()) -> None:
        """One transaction."""
        check_assignments(assignments, audit)
        try:
            with self._database.transaction() as connection:
                for each in assignments:
                    insert_entry(connection, each.entry)
                    _write(connection, each)
                for record in audit:
                    add_audit(connection, record)
        except AlreadyExists as error:
            raise StateConflict("a row of that id exists") from error
        if assignments and self._on_answered is not None:
            self._on_answered()


def _write(connection: sqlite3.Connection, assignment: Assignment) -> None:
    row, before = assignment.row, assignment.before
    ref = (row.ref.provider, row.ref.kind, row.ref.id)
    if before is None:
        owner = (row.tenant, row.key_id or "", row.created_at, row.end_user, row.parent, row.snapshot, row.holders)
        changed = connection.execute(_ADOPT, (*ref, *owner)).rowcount
    else:
        owner_now = (row.tenant, row.key_id or "", row.end_user, row.holders, row.shares)
        values = (*owner_now, *ref, before.tenant, before.holders, before.shares)
        changed = connection.execute(_TRANSFER, values).rowcount
        connection.execute(UNLIST, ref)
        for tenant in shared_with(row):
            connection.execute(_LIST, (tenant, row.ref.provider, row.ref.kind, row.created_at, row.ref.id))
    if changed != 1:
        raise StateConflict("an object was not owned as it had to be")
