"""Writes to the ledger that the disk refused: kept in memory, and written as soon as possible.

The row of a call is written before the provider is asked. When its end cannot be written, because the disk is full by
then, the client has its answer and the ledger has no owner of the object: the next request would be answered 404,
until reconciliation finds the object a minute later. So::

    advance   refused by the disk   kept, oldest first; at most one for each call in progress
    begin     while one is kept     writes what is kept first; if that cannot be written, 503: no call begins
    owners    while one is kept     the same: an object whose owner cannot be written yet is never "not found"
    a thread                        writes what is kept, so that no request has to come

If the process ends first, reconciliation finds out these outcomes, as after any crash.
"""

from __future__ import annotations

import threading
from collections import deque
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from vectorgate.persistence.sqlite import SqliteLedger, SqliteOwnership
from vectorgate.store_errors import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from vectorgate.budgets.model import Reservation
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.ids import ObjectKind, OperationId, ProviderName, TenantId
    from vectorgate.ledger.entry import LedgerEntry, State
    from vectorgate.persistence.sqlite import Database
    from vectorgate.persistence.stores import Stores
    from vectorgate.tenancy.ownership import ObjectRef, Ownership


class KeptWrites:
    """Writes that are still to be done, oldest first. Thread-safe."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()

    def keep(self, write: Callable[[], None]) -> None:
        """Do this write later."""
        self._waiting.append(write)

    def write(self) -> None:
        """Do what is kept. StoreUnavailable if the disk refuses again; what the ledger itself refuses is given up."""
        if not self._waiting:
            return
        with self._lock:
            while self._waiting:
                self._write_first()

    def _write_first(self) -> None:
        """Do the first write, which stays the first until it is done: others look whether there is one."""
        try:
            self._waiting[0]()
        except StoreUnavailable:
            raise
        except StoreError:
            self._waiting.popleft()  # reconciliation was there first, or another tenant owns the object
        except BaseException:
            self._waiting.popleft()
            raise
        else:
            self._waiting.popleft()

    def try_to_write(self) -> None:
        """Do what is kept, as far as the disk takes it."""
        with suppress(StoreUnavailable):
            self.write()


class KeepingLedger(SqliteLedger):
    """The ledger of the request path. What it refuses to write at the end of a call is kept."""

    def __init__(self, database: Database, kept: KeptWrites, *, on_answered: Callable[[], None] | None = None) -> None:
        super().__init__(database, on_answered=on_answered)
        self._kept = kept
        self._unwritten: dict[OperationId, Ownership] = {}
        self._unwritten_answers: dict[OperationId, IdempotencyRecord] = {}

    def begin(self, entry: LedgerEntry, *, reserve: Sequence[Reservation] = ()) -> None:
        """As the ledger does, after what is kept."""
        self._kept.write()
        super().begin(entry, reserve=reserve)

    def own(self, row: Ownership) -> None:
        """As the ledger does. What the disk refuses is written with the answered row."""
        try:
            super().own(row)
        except StoreUnavailable:
            if row.operation_id is None:
                raise
            self._unwritten[row.operation_id] = row

    def keep_answer(self, record: IdempotencyRecord) -> None:
        """As the ledger does. What the disk refuses is written with the answered row."""
        try:
            super().keep_answer(record)
        except StoreUnavailable:
            self._unwritten_answers[record.operation_id] = record

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
        """As the ledger does. StoreUnavailable as well, after the write is kept."""
        write, unwritten = super().advance, self._unwritten.get(entry.id)
        owned = owned if unwritten is None else (*owned, unwritten)
        idempotency = idempotency or self._unwritten_answers.get(entry.id)

        def again() -> None:
            write(entry, since=since, owned=owned, retired=retired, at=at, idempotency=idempotency)
            self._unwritten.pop(entry.id, None)
            self._unwritten_answers.pop(entry.id, None)

        try:
            again()
        except StoreUnavailable:
            self._kept.keep(again)
            raise


class KeepingOwnership(SqliteOwnership):
    """Ownership as it is once what is kept is written. StoreUnavailable as long as that cannot be done."""

    def __init__(self, database: Database, kept: KeptWrites) -> None:
        super().__init__(database)
        self._kept = kept

    def owners(self, refs: Collection[ObjectRef]) -> Mapping[ObjectRef, Ownership]:
        """As the port says, after what is kept."""
        self._kept.write()
        return super().owners(refs)

    def owned_by(
        self,
        tenant: TenantId,
        provider: ProviderName,
        kind: ObjectKind,
        *,
        start: tuple[int, str] | None,
        ascending: bool,
        limit: int,
    ) -> Sequence[Ownership]:
        """As the port says, after what is kept."""
        self._kept.write()
        return super().owned_by(tenant, provider, kind, start=start, ascending=ascending, limit=limit)


def keeping(stores: Stores, database: Database, kept: KeptWrites, on_answered: Callable[[], None]) -> Stores:
    """The stores for the request path. Background work has those of `stores`, and repeats what fails by itself."""
    return replace(
        stores,
        ledger=KeepingLedger(database, kept, on_answered=on_answered),
        ownership=KeepingOwnership(database, kept),
    )
