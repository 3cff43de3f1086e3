"""The ledger on SQLite. A row is its JSON beside the columns that queries use."""

from __future__ import annotations

import json
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

from vectorgate.api.http import encode_json
from vectorgate.budgets.model import balance_changes
from vectorgate.clock import MILLISECONDS
from vectorgate.idempotency.record import GRACE_SECONDS, IdempotencyRecord
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.ledger.ports import Found
from vectorgate.persistence.sqlite import budgets
from vectorgate.persistence.sqlite.rollups import add_rollups
from vectorgate.persistence.validation import (
    check_advance,
    check_begin,
    check_bind,
    check_find,
    check_ownership,
    check_query,
    check_record,
    check_settle,
    object_part,
    tenant_part,
)
from vectorgate.store_errors import AlreadyExists, IdempotencyConflict, StateConflict

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Mapping, Sequence

    from vectorgate.budgets.model import Reservation
    from vectorgate.ids import OperationId, TenantId
    from vectorgate.ledger.ports import Position, RecordQuery, RowFilter
    from vectorgate.ledger.rollups import Rollup
    from vectorgate.persistence.sqlite.database import Database
    from vectorgate.tenancy.ownership import ObjectRef, Ownership

    InSettlement = Callable[[sqlite3.Connection, Sequence[LedgerEntry]], None]

_BEGIN = """
    INSERT INTO operations (id, state, started_ms, key_id, end_user, record)
    VALUES (:id, :state, :started_ms, :key_id, :end_user, :record) ON CONFLICT (id) DO NOTHING
"""
# A row keeps its time, key and end user. Naming them in SET would write its entries in their indexes again.
_REPLACE = """
    UPDATE operations SET state = :state, record = :record
    WHERE id = :id AND state = :since AND started_ms = :started_ms AND key_id IS :key_id AND end_user IS :end_user
"""
# Changes one row if the ref is new or the tenant owns it already (which leaves the row as it is), else none.
_OWN = """
    INSERT INTO ownership (
        provider, kind, id, tenant, key_id, created_at, end_user, parent, snapshot, retired_at, operation_id
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (provider, kind, id) DO UPDATE SET tenant = tenant WHERE tenant = excluded.tenant
"""
_RETIRE = """
    UPDATE ownership SET retired_at = coalesce(retired_at, ?) WHERE provider = ? AND kind = ? AND id = ?
"""
UNLIST: Final = "DELETE FROM shared WHERE provider = ? AND kind = ? AND id = ?"
_ENTRY = "SELECT record FROM operations WHERE id = ?"
_STATE = "SELECT state FROM operations WHERE id = ?"
# The state is a literal, so that the planner can use a partial index.
_ANSWERED = """
    SELECT record FROM operations WHERE state = 'answered' AND started_ms < ? AND (started_ms, id) > (?, ?)
    ORDER BY started_ms, id LIMIT ?
"""
_STARTED = """
    SELECT record FROM operations WHERE state = 'started' AND started_ms < ? AND (started_ms, id) > (?, ?)
    ORDER BY started_ms, id LIMIT ?
"""
_UNCERTAIN = """
    SELECT record FROM operations WHERE state = 'uncertain' AND started_ms < ? AND (started_ms, id) > (?, ?)
    ORDER BY started_ms, id LIMIT ?
"""
_place_of: Final = attrgetter("started_ms", "id")
_FIRST, _LAST_MS = (-1, ""), 1 << 62  # before and after every row
_SEARCH = """
    SELECT record FROM operations
    WHERE started_ms >= :start_ms AND started_ms < :end_ms
        AND (:before_ms IS NULL OR (started_ms, id) < (:before_ms, :before_id))
    ORDER BY started_ms DESC, id DESC LIMIT :limit
"""


_OF_KEY = """
    SELECT record FROM operations
    WHERE key_id = :key_id AND started_ms >= :start_ms AND started_ms < :end_ms
        AND (:before_ms IS NULL OR (started_ms, id) < (:before_ms, :before_id))
    ORDER BY started_ms DESC, id DESC LIMIT :limit
"""
_LOOKED_AT: Final = 1_000  # rows of a step of `find` that no index filters

_RECORD_COLUMNS: Final = tuple(IdempotencyRecord.__slots__)
_BIND = """
    INSERT INTO claims (tenant, name, slot, fingerprint, operation_id, claimed_ms, expires_at, attempt, status, body)
    VALUES (:tenant, :name, :slot, :fingerprint, :operation_id, :claimed_ms, :expires_at, :attempt, :status, :body)
    ON CONFLICT (tenant, name, slot) DO UPDATE SET
        fingerprint = excluded.fingerprint, operation_id = excluded.operation_id, claimed_ms = excluded.claimed_ms,
        expires_at = excluded.expires_at, attempt = excluded.attempt, status = excluded.status, body = excluded.body
    WHERE operation_id = :holder
"""
_TAKE_OVER = """
    UPDATE claims SET fingerprint = :fingerprint, operation_id = :operation_id, claimed_ms = :claimed_ms,
        expires_at = :expires_at, attempt = :attempt, status = :status, body = :body
    WHERE tenant = :tenant AND name = :name AND slot = :slot AND operation_id IN (:holder, :operation_id)
"""
# In place of DynamoDB's TTL: each settled row deletes two expired ones, so the table ends up with six days' records.
_PRUNE = "DELETE FROM claims WHERE rowid IN (SELECT rowid FROM claims WHERE expires_at < ? LIMIT ?)"
_RECORDS = """
    SELECT tenant, name, slot, fingerprint, operation_id, claimed_ms, expires_at, attempt, status, body
    FROM claims WHERE tenant = ? AND name = ? AND slot >= ? ORDER BY slot DESC LIMIT ?
"""


class SqliteLedger:
    """LedgerStore. `on_answered` is called after each write that leaves a row to be settled.

    It replaces the stream of the DynamoDB table. It runs in the writer's thread, after the commit and outside the
    lock: it should set an event and return. `in_settlement` writes what is to be written with each settlement.
    """

    def __init__(
        self,
        database: Database,
        *,
        on_answered: Callable[[], None] | None = None,
        in_settlement: InSettlement | None = None,
    ) -> None:
        self._database = database
        self._on_answered = on_answered
        self._in_settlement = in_settlement

    def begin(self, entry: LedgerEntry, *, reserve: Sequence[Reservation] = ()) -> None:
        """One INSERT; a transaction with reservations."""
        check_begin(entry, reserve)
        if not reserve:
            _expect_new(self._database.change(_BEGIN, _columns(entry)))
        else:
            with self._database.transaction() as connection:
                _expect_new(connection.execute(_BEGIN, _columns(entry)).rowcount)
                budgets.reserve_all(connection, reserve)
        self._notify(entry)

    def is_reserved(self, entry: LedgerEntry) -> bool:  # noqa: ARG002 - of each row, in the transaction that began it
        """Nothing."""
        return True

    def bind(self, record: IdempotencyRecord, *, takeover_of: IdempotencyRecord | None = None) -> None:
        """One INSERT or UPDATE."""
        check_bind(record, takeover_of)
        holder = record.operation_id if takeover_of is None else takeover_of.operation_id
        statement = _BIND if takeover_of is None else _TAKE_OVER
        if self._database.change(statement, {**_record_values(record), "holder": holder}) != 1:
            raise IdempotencyConflict("the request")

    def own(self, row: Ownership) -> None:
        """One INSERT."""
        check_ownership(row)
        _expect(self._database.change(_OWN, _owner_values(row)), 1)

    def keep_answer(self, record: IdempotencyRecord) -> None:
        """One INSERT or UPDATE."""
        check_record(record)
        self._database.change(_BIND, {**_record_values(record), "holder": record.operation_id})

    def advance(
        self,
        entry: LedgerEntry,
        *,
        since: State,
        owned: Sequence[Ownership] = (),
        retired: Sequence[ObjectRef] = (),
        at: int = 0,
        idempotency: IdempotencyRecord | None = None,
    ) -> None:
        """One UPDATE; a transaction with ownership, movements or an idempotency record."""
        check_advance(entry, since, owned, retired, idempotency)
        values, changes = {**_columns(entry), "since": since}, balance_changes([entry]) if entry.budgets else []
        if not owned and not retired and not changes and idempotency is None:
            _expect(self._database.change(_REPLACE, values), 1)
        else:
            with self._database.transaction() as connection:
                _expect(connection.execute(_REPLACE, values).rowcount, 1)
                _write_ownership(connection, owned, retired, at)
                if changes:
                    budgets.apply_changes(connection, changes)
                if idempotency is not None:
                    connection.execute(_BIND, {**_record_values(idempotency), "holder": idempotency.operation_id})
        self._notify(entry)

    def settle(self, settled: Sequence[LedgerEntry], rollups: Sequence[Rollup]) -> None:
        """One transaction."""
        check_settle(settled, rollups)
        replaced = [{**_columns(entry), "since": State.ANSWERED} for entry in settled]
        with self._database.transaction() as connection:
            _expect(connection.executemany(_REPLACE, replaced).rowcount if replaced else 0, len(replaced))
            add_rollups(connection, rollups)
            budgets.apply_changes(connection, balance_changes(settled))
            _prune(connection, settled)
            if self._in_settlement is not None:
                self._in_settlement(connection, settled)

    def unsettled(self, ids: Collection[OperationId]) -> frozenset[OperationId]:
        """One point read for each id."""
        return frozenset(id_ for id_ in ids if self._database.rows(_STATE, (object_part(id_),)) == [(State.ANSWERED,)])

    def insert_ownership(self, owned: Sequence[Ownership]) -> None:
        """Add ownership without an operation: of local mode's demo files. Not a method of the port."""
        with self._database.transaction() as connection:
            _write_ownership(connection, owned, (), 0)

    def insert_settled(self, entries: Sequence[LedgerEntry], sums: Sequence[Rollup]) -> None:
        """Add many settled rows at once: of local mode's demonstration. Not a method of the port."""
        with self._database.transaction() as connection:
            connection.executemany(_BEGIN, map(_columns, entries))
            add_rollups(connection, sums)
            budgets.apply_changes(connection, balance_changes(entries))

    def entry(self, operation_id: OperationId) -> LedgerEntry | None:
        """One point read."""
        found = self._entries(_ENTRY, (object_part(operation_id),))
        return found[0] if found else None

    def entries(self, ids: Collection[OperationId]) -> Mapping[OperationId, LedgerEntry]:
        """One point read for each id."""
        found = (self.entry(id_) for id_ in ids)
        return {entry.id: entry for entry in found if entry is not None}

    def answered(
        self, limit: int, *, before_ms: int | None = None, after: Position | None = None
    ) -> Sequence[LedgerEntry]:
        """A walk along a partial index."""
        before_ms = _LAST_MS if before_ms is None else before_ms
        return self._entries(_ANSWERED, (before_ms, *(after or _FIRST), max(limit, 0)))

    def open_rows(self, before_ms: int, limit: int, *, after: Position | None = None) -> Sequence[LedgerEntry]:
        """A walk along each of two partial indexes."""
        values = (before_ms, *(after or _FIRST), max(limit, 0))
        found = self._entries(_STARTED, values) + self._entries(_UNCERTAIN, values)
        return sorted(found, key=lambda entry: (entry.started_ms, entry.id))[: max(limit, 0)]

    def list_open(self, now_ms: int, seconds: float) -> int:  # noqa: ARG002 - the port's
        """Nothing: each state of an open row has an index."""
        return 0

    def idempotency_records(
        self, tenant: TenantId, name: str, *, start: str, limit: int
    ) -> Sequence[IdempotencyRecord]:
        """A walk along the primary key."""
        values = (tenant_part(tenant), object_part(name), start, max(limit, 0))
        return [
            IdempotencyRecord(**dict(zip(_RECORD_COLUMNS, row, strict=True)))
            for row in self._database.rows(_RECORDS, values)
        ]

    def search(self, query: RecordQuery) -> Sequence[LedgerEntry]:
        """A walk down the index of times."""
        check_query(query)
        return self._entries(_SEARCH, _range_of(query))

    def find(self, query: RecordQuery, *, only: RowFilter | None = None, entries: int = 0) -> Found:  # noqa: ARG002 - it has one partition
        """A walk down the index of each key, or down that of times, of which the other columns are filtered here."""
        check_find(query, only)
        if only is not None and only.column == "key_id":
            keys = [self._entries(_OF_KEY, {"key_id": key, **_range_of(query)}) for key in only.values]
            rows = sorted(chain.from_iterable(keys), key=_place_of, reverse=True)[: query.limit]
            return Found(rows, _place_of(rows[-1]) if len(rows) == query.limit > 0 else None)
        limit = query.limit if only is None else max(query.limit, _LOOKED_AT)
        rows = self._entries(_SEARCH, _range_of(query) | {"limit": limit})
        reached = _place_of(rows[-1]) if len(rows) == limit > 0 else None
        if only is None:
            return Found(rows, reached)
        kept = [row for row in rows if getattr(row, only.column) in only.values]
        more = len(kept) > query.limit
        return Found(kept[: query.limit], _place_of(kept[query.limit - 1]) if more else reached)

    def _entries(self, statement: str, values: Any) -> list[LedgerEntry]:  # noqa: ANN401  # what sqlite3 binds
        return [LedgerEntry.from_record(json.loads(record)) for (record,) in self._database.rows(statement, values)]

    def _notify(self, entry: LedgerEntry) -> None:
        if entry.state is State.ANSWERED and self._on_answered is not None:
            self._on_answered()


def _range_of(query: RecordQuery) -> dict[str, int | str | None]:
    before_ms, before_id = query.before or (None, None)
    bounds = {"start_ms": query.start_ms, "end_ms": query.end_ms, "limit": max(query.limit, 0)}
    return {"before_ms": before_ms, "before_id": before_id, **bounds}


def _columns(entry: LedgerEntry) -> dict[str, str | int | None]:
    return {
        "id": entry.id,
        "state": entry.state,
        "started_ms": entry.started_ms,
        "key_id": entry.key_id,
        "end_user": entry.end_user,
        "record": encode_json(entry.to_record()).decode("ascii"),
    }


def _write_ownership(
    connection: sqlite3.Connection, owned: Sequence[Ownership], retired: Sequence[ObjectRef], at: int
) -> None:
    for row in owned:
        _expect(connection.execute(_OWN, _owner_values(row)).rowcount, 1)
    for ref in retired:
        _expect(connection.execute(_RETIRE, (at, ref.provider, ref.kind, ref.id)).rowcount, 1)
        connection.execute(UNLIST, (ref.provider, ref.kind, ref.id))


def _owner_values(row: Ownership) -> tuple[str | int | None, ...]:
    ref = row.ref
    owner = (ref.provider, ref.kind, ref.id, row.tenant, row.key_id or "", row.created_at)
    return (*owner, row.end_user, row.parent, row.snapshot, row.retired_at, row.operation_id)


def insert_entry(connection: sqlite3.Connection, entry: LedgerEntry) -> None:
    """Write a new row inside a transaction. AlreadyExists."""
    _expect_new(connection.execute(_BEGIN, _columns(entry)).rowcount)


def _expect_new(changed: int) -> None:
    if changed == 0:
        raise AlreadyExists("operation")


def _expect(changed: int, expected: int) -> None:
    if changed != expected:
        raise StateConflict("a row was not as it had to be")


def _prune(connection: sqlite3.Connection, settled: Sequence[LedgerEntry]) -> None:
    """Delete expired records: more than the settled calls have added."""
    latest_ms = max((entry.started_ms for entry in settled), default=0)
    connection.execute(_PRUNE, (latest_ms // MILLISECONDS - GRACE_SECONDS, 2 * len(settled)))


def _record_values(record: IdempotencyRecord) -> dict[str, str | int | None]:
    return {name: getattr(record, name) for name in _RECORD_COLUMNS}
