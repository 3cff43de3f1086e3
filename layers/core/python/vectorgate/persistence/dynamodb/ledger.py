"""The ledger on DynamoDB.

Every transition writes the whole row under a condition on its state, so that the stream's new image is the row and two
writers cannot both leave one state::

    api                               table                              meter
    Put answered if state=started --> done        refused <-- Put voided if state=started
                                                              StateConflict: read it again

Write units of rows up to 1 KiB: `begin` 2 (row, `request_log`), and 1 for each KiB begun of each budget's account
(`holds`); `bind` 1, `own` 2 (row, `by_tenant`), `keep_answer` 1 for each KiB begun;
`advance` 1 (2 where the row enters or leaves `open`), in a transaction 2 for the row, 3 for each new ownership row, 3
for each retired one (`by_tenant`), 2 for each KiB begun of an idempotency record with its answer, 2 for each budget
that gets a reservation back; `settle` 2 for each row, 2 for each rollup and 2 for each budget, and where rows are
exported in order 2 for each partition with new stores of a key.
`assign` 3 for each row, 2 for each ownership row or, of a transfer, 3, and 3 for each team that gets or loses a share.
`tests/contract/test_costs.py` counts them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from vectorgate.classes import dataclass
from vectorgate.clock import DAY_MS, MILLISECONDS
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.persistence.dynamodb.budgets import move_actions
from vectorgate.persistence.dynamodb.codec import encoded, is_newer
from vectorgate.persistence.dynamodb.idempotency import (
    idempotency_partition,
    put_answer,
    put_bound,
    record_of_item,
)
from vectorgate.persistence.dynamodb.readers import OwnershipChange, assign_actions
from vectorgate.persistence.dynamodb.schema import (
    audit_actions,
    kept_entry,
    new_item,
    operation_item,
    operation_key,
    ownership_item,
)
from vectorgate.persistence.dynamodb.search import newest_rows
from vectorgate.persistence.dynamodb.table import (
    IS_NEW,
    PAGE,
    PATIENT_PAUSES_S,
    STATE_ALONE,
    STATE_NAME,
    ConditionFailed,
    DynamoTable,
)
from vectorgate.persistence.validation import (
    check_advance,
    check_assignments,
    check_begin,
    check_bind,
    check_find,
    check_ownership,
    check_query,
    check_record,
    check_settle,
)
from vectorgate.store_errors import AlreadyExists, IdempotencyConflict, NewerRow, StateConflict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.budgets.model import Reservation
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.ids import OperationId, TenantId
    from vectorgate.ledger.assignments import Assignment
    from vectorgate.ledger.ports import Found, Position, RecordQuery, RowFilter
    from vectorgate.ledger.rollups import Rollup
    from vectorgate.persistence.dynamodb.open_rows import OpenRows
    from vectorgate.persistence.dynamodb.schema import Item
    from vectorgate.tenancy.ownership import ObjectRef, Ownership

_IS_IN_STATE: Final = "#state = :since"
IS_UNLISTED: Final = "#state = :since AND attribute_not_exists(open_pk)"
_FROM_SLOT: Final = "PK = :place AND SK >= :start"

_Action = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Transition:
    """The write of a row's next state. `listed`: it is in ``open``, where it stays until it is final. `ttl`: its end.

    The meter lists a row at any moment; who answers it learns of that by a refusal, and tries again.
    """

    entry: LedgerEntry
    since: State
    ttl: int | None = None
    listed: bool = False

    def action(self) -> _Action:
        """The Put, as an action of a transaction."""
        listed = self.listed or self.since is State.UNCERTAIN
        may_be_listed = self.entry.state is State.ANSWERED and not listed
        return "Put", {
            "Item": operation_item(self.entry, listed=listed, ttl=self.ttl),
            "ConditionExpression": IS_UNLISTED if may_be_listed else _IS_IN_STATE,
            "ExpressionAttributeNames": STATE_NAME,
            "ExpressionAttributeValues": encoded({":since": self.since}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def after(self, old_item: Item) -> Transition:
        """The next attempt, by the item for which the condition failed. StateConflict: the row is in another state."""
        is_listed_only_now = not self.listed and self.entry.state is State.ANSWERED and "open_pk" in old_item
        if not is_listed_only_now or old_item.get("state") != {"S": self.since}:
            raise StateConflict("operation")
        return replace(self, listed=True)

    def write(self, table: DynamoTable) -> None:
        """One PutItem, or two. StateConflict."""
        _, arguments = self.action()
        del arguments["ReturnValuesOnConditionCheckFailure"]  # the table's own
        try:
            table.put(arguments.pop("Item"), **arguments)
        except ConditionFailed as failure:
            again = self.after(failure.old_items[0])
        else:
            return
        again.write(table)


class DynamoLedger:
    """LedgerStore. `record_days`: as in `Settings`."""

    def __init__(self, table: DynamoTable, *, exported_in_order: bool = False, record_days: int = 0) -> None:
        self._table, self._exported_in_order, self._record_days = table, exported_in_order, record_days

    def _ttl(self) -> int | None:
        """When a row that becomes final now is removed, in Unix seconds."""
        days = self._record_days
        return self._table.clock.unix_s() + days * DAY_MS // MILLISECONDS if days else None

    @cached_property
    def _open(self) -> OpenRows:
        from vectorgate.persistence.dynamodb.open_rows import OpenRows  # noqa: PLC0415 - the api function reads none

        return OpenRows(self._table)

    def begin(self, entry: LedgerEntry, *, reserve: Sequence[Reservation] = ()) -> None:
        """One PutItem, and one UpdateItem for each account; one BatchGetItem where an amount is 0."""
        check_begin(entry, reserve)
        if reserve:
            from vectorgate.persistence.dynamodb.holds import check_room, hold_all  # noqa: PLC0415 - of limited callers

            check_room(self._table, reserve)
        begun = entry.changed(reserving=1) if any(each.amount for each in reserve) else entry
        try:
            self._table.put(new_item(begun, self._table.clock.unix_ms(), self._ttl()), ConditionExpression=IS_NEW)
        except ConditionFailed as failure:
            raise AlreadyExists("operation") from failure
        if begun.reserving:
            hold_all(self._table, begun, reserve)

    def is_reserved(self, entry: LedgerEntry) -> bool:
        """Nothing, unless the row is `reserving`."""
        if not entry.reserving:
            return True
        from vectorgate.persistence.dynamodb.holds import is_reserved  # noqa: PLC0415 - after a crash alone

        return is_reserved(self._table, entry)

    def bind(self, record: IdempotencyRecord, *, takeover_of: IdempotencyRecord | None = None) -> None:
        """One PutItem."""
        check_bind(record, takeover_of)
        put = put_bound(record, takeover_of)
        try:
            self._table.put(put.pop("Item"), **put)
        except ConditionFailed as failure:
            if failure.old_items[0].get("operation_id") != {"S": record.operation_id}:
                raise IdempotencyConflict("the request") from failure

    def own(self, row: Ownership) -> None:
        """One PutItem."""
        check_ownership(row)
        try:
            self._table.put(ownership_item(row), ConditionExpression=IS_NEW)
        except ConditionFailed as failure:
            if failure.old_items[0].get("tenant") != {"S": row.tenant}:
                raise StateConflict("the object has an owner") from failure

    def keep_answer(self, record: IdempotencyRecord) -> None:
        """One PutItem."""
        check_record(record)
        put = put_answer(record)
        with suppress(ConditionFailed):
            self._table.put(put.pop("Item"), **put)

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
        """One PutItem; one TransactWriteItems where anything is written with the row."""
        check_advance(entry, since, owned, retired, idempotency)
        if entry.reserving and entry.state is not State.UNCERTAIN:
            from vectorgate.persistence.dynamodb.holds import concluding_actions  # noqa: PLC0415 - after a crash alone

            moves = concluding_actions(self._table, entry)
            entry = entry.changed(reserving=None)
        else:
            moves = [*move_actions([entry])]
        row = Transition(entry, since, self._ttl())
        if owned or retired or moves or idempotency is not None:
            ownership = OwnershipChange(owned, retired, at)
            self._advance_in_transaction(row, ownership, moves, idempotency)
            return
        row.write(self._table)

    def settle(self, settled: Sequence[LedgerEntry], rollups: Sequence[Rollup]) -> None:
        """One TransactWriteItems."""
        from vectorgate.persistence.dynamodb.rollups import settle_actions  # noqa: PLC0415 - the api function settles nothing

        check_settle(settled, rollups)
        ttl = self._ttl()
        rows = [Transition(entry, State.ANSWERED, ttl).action() for entry in settled]
        sums = [*settle_actions(settled, rollups, exported_in_order=self._exported_in_order), *move_actions(settled)]
        if not rows and not sums:
            return
        try:
            self._table.transact([*rows, *sums], pauses=PATIENT_PAUSES_S)
        except ConditionFailed as failure:
            raise StateConflict("a row is not answered") from failure

    def unsettled(self, ids: Collection[OperationId]) -> frozenset[OperationId]:
        """One BatchGetItem for each 100 ids, consistent."""
        keys = {id_: operation_key(id_) for id_ in ids}
        items = self._table.batch_get(list(keys.values()), only=STATE_ALONE)
        answered = {item["PK"]["S"] for item in items if item["state"]["S"] == State.ANSWERED}
        return frozenset(id_ for id_, key in keys.items() if key["PK"]["S"] in answered)

    def entry(self, operation_id: OperationId) -> LedgerEntry | None:
        """One consistent GetItem."""
        item = self._table.get(operation_key(operation_id))
        if item is not None and is_newer(item):
            raise NewerRow("operation")
        return kept_entry(item, self._table.clock.unix_s()) if item is not None else None

    def entries(self, ids: Collection[OperationId]) -> Mapping[OperationId, LedgerEntry]:
        """One BatchGetItem for each 100 ids, consistent."""
        keys = [operation_key(id_) for id_ in dict.fromkeys(ids)]
        now_s = self._table.clock.unix_s()
        found = (kept_entry(item, now_s) for item in self._table.batch_get(keys))
        return {entry.id: entry for entry in found if entry is not None}

    def answered(
        self, limit: int, *, before_ms: int | None = None, after: Position | None = None
    ) -> Sequence[LedgerEntry]:
        """As `open_rows`."""
        from vectorgate.persistence.dynamodb.open_rows import WAITING  # noqa: PLC0415 - the api function reads none

        return self._open.oldest(WAITING, limit, before_ms=before_ms, after=after)

    def open_rows(self, before_ms: int, limit: int, *, after: Position | None = None) -> Sequence[LedgerEntry]:
        """16 queries of `open` and of each day of `request_log` since the last look, and BatchGetItem for 100 rows."""
        from vectorgate.persistence.dynamodb.open_rows import UNRESOLVED  # noqa: PLC0415 - the api function reads none

        return self._open.oldest(UNRESOLVED, limit, before_ms=before_ms, after=after)

    def list_open(self, now_ms: int, seconds: float) -> int:
        """16 queries of `request_log` for each look, a BatchGetItem for 100 rows, and an UpdateItem for an open one."""
        return self._open.list_all(now_ms, seconds)

    def idempotency_records(
        self, tenant: TenantId, name: str, *, start: str, limit: int
    ) -> Sequence[IdempotencyRecord]:
        """One consistent Query for each 100 records."""
        values = {":place": idempotency_partition(tenant, name), ":start": {"S": start}}
        items = self._table.query(
            _FROM_SLOT, values, ConsistentRead=True, ScanIndexForward=False, limit=min(max(limit, 1), PAGE)
        )
        return [record_of_item(item) for item in islice(items, max(limit, 0))]

    def search(self, query: RecordQuery) -> Sequence[LedgerEntry]:
        """16 queries of `request_log` for each day down to the last row, and a BatchGetItem for each 100 rows."""
        check_query(query)
        return newest_rows(self._table, query)

    def find(self, query: RecordQuery, *, only: RowFilter | None = None, entries: int = PAGE) -> Found:
        """16 queries of `request_log`, eight at a time, and a BatchGetItem for each 100 rows."""
        from vectorgate.persistence.dynamodb.request_log import found_rows  # noqa: PLC0415 - the api function finds none

        check_find(query, only)
        return found_rows(self._table, query, only, entries)

    def _advance_in_transaction(
        self, row: Transition, ownership: OwnershipChange, moves: list[_Action], idempotency: IdempotencyRecord | None
    ) -> None:
        """All or nothing, except that the tenant may own an object already, and the slot point elsewhere by now.

        What a failed condition tells about ownership is taken into account in the next round, until it is known
        (`OwnershipChange`). An idempotency record whose condition fails is left out of the next round: the operation's
        row is what counts.
        """
        while True:
            changes = ownership.actions()
            answer = [("Put", put_answer(idempotency))] if idempotency is not None else []
            try:
                self._table.transact([row.action(), *changes, *moves, *answer], pauses=PATIENT_PAUSES_S)
            except ConditionFailed as failure:
                last = len(changes) + len(moves) + 1
                if last in failure.old_items:
                    idempotency = None
                if 0 in failure.old_items:
                    row = row.after(failure.old_items[0])
                ownership = ownership.after({at - 1: item for at, item in failure.old_items.items() if 0 < at < last})
            else:
                return


class DynamoAssignments:
    """AssignmentStore. In this module, for each further one delays the start of the api function."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def assign(self, assignments: Sequence[Assignment], *, audit: Sequence[AuditRecord] = ()) -> None:
        """One TransactWriteItems."""
        check_assignments(assignments, audit)
        actions = [action for each in assignments for action in _assign_actions(each)]
        if not actions:
            return
        try:
            records = [action for record in audit for action in audit_actions(record)]
            self._table.transact([*actions, *records], pauses=PATIENT_PAUSES_S)
        except ConditionFailed as failure:
            raise StateConflict("an object was not owned as it had to be") from failure


def _assign_actions(assignment: Assignment) -> Iterator[_Action]:
    yield "Put", {"Item": operation_item(assignment.entry, listed=True), "ConditionExpression": IS_NEW}
    yield from assign_actions(assignment.row, assignment.before)
