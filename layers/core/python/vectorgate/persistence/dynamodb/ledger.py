"""The ledger on DynamoDB.

Every transition writes the whole row under a condition on its state, so that the stream's new image is the row and two
writers cannot both leave one state::

    api                               table                              meter
    Put answered if state=started --> done        refused <-- Put voided if state=started
                                                              StateConflict: read it again

Write units of rows up to 1 KiB: `begin` 3 (row, `by_day`, `open`), 6 with a claim, and 2 for
each budget; `advance` 1 (2 where the row leaves `open`), in a transaction 2 for the row, 3 for each new ownership
row, 3 for each retired one (`by_tenant`), 2 for each KiB begun of a claim with its answer, 2 for each budget that is
released to; `settle` 3 a row (it leaves `open`), 2 a rollup and 2 a budget. `tests/contract/test_costs.py` counts them.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from vectorgate.budgets.model import movements_of
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.persistence.dynamodb.budgets import moving, reserving
from vectorgate.persistence.dynamodb.codec import encoded
from vectorgate.persistence.dynamodb.idempotency import answering, claim_of_item, claim_partition, claiming
from vectorgate.persistence.dynamodb.schema import (
    entry_of_image,
    operation_item,
    operation_key,
    ownership_item,
    ownership_key,
    rollup_key,
)
from vectorgate.persistence.dynamodb.search import UNRESOLVED, WAITING, matching, unfinished
from vectorgate.persistence.dynamodb.table import IS_NEW, PAGE, PATIENT_PAUSES_S, STATE_NAME, DynamoTable, Refused
from vectorgate.persistence.validation import check_advance, check_begin, check_query, check_settle
from vectorgate.store_errors import AlreadyExists, IdempotencyConflict, OverBudget, StateConflict

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.budgets.model import Reservation
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.ids import OperationId, TenantId
    from vectorgate.ledger.ports import Position, RecordQuery
    from vectorgate.ledger.rollups import Rollup
    from vectorgate.persistence.dynamodb.schema import Item
    from vectorgate.tenancy.ownership import ObjectRef, Ownership

_STANDS_AT: Final = "#state = :since"
_FROM_SLOT: Final = "PK = :place AND SK >= :start"
_IS_THERE: Final = "attribute_exists(PK)"
_IS_THE_TENANTS: Final = "tenant = :tenant"
_RETIRE: Final = "SET retired_at = if_not_exists(retired_at, :at) REMOVE by_tenant_pk, by_tenant_sk"
_ADD: Final = "ADD calls :calls, failures :failures, spend :spend"

_Action = tuple[str, dict[str, Any]]


class DynamoLedger:
    """LedgerStore."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def begin(
        self,
        entry: LedgerEntry,
        *,
        idempotency: IdempotencyRecord | None = None,
        takeover_of: IdempotencyRecord | None = None,
        reserve: Sequence[Reservation] = (),
    ) -> None:
        """One PutItem; one TransactWriteItems where there is a claim or a reservation."""
        check_begin(entry, idempotency, takeover_of, reserve)
        if idempotency is not None or reserve:
            self._begin_with(entry, claiming(idempotency, takeover_of) if idempotency is not None else [], reserve)
            return
        try:
            self._table.put(operation_item(entry), ConditionExpression=IS_NEW)
        except Refused as refused:
            raise AlreadyExists("operation") from refused

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
        """One PutItem; one TransactWriteItems where anything follows."""
        check_advance(entry, since, owned, retired, idempotency)
        moved = [*(_retiring(ref, at) for ref in retired), *map(moving, movements_of([entry]))]
        if owned or moved or idempotency is not None:
            self._advance_with(_replacing(entry, since), owned, moved, idempotency)
            return
        _, replacement = _replacing(entry, since)
        try:
            self._table.put(replacement.pop("Item"), **replacement)
        except Refused as refused:
            raise StateConflict("operation") from refused

    def settle(self, settled: Sequence[LedgerEntry], rollups: Sequence[Rollup]) -> None:
        """One TransactWriteItems."""
        check_settle(settled, rollups)
        rows = [_replacing(entry, State.ANSWERED) for entry in settled]
        sums = [*map(_adding, rollups), *map(moving, movements_of(settled))]
        if not rows and not sums:
            return
        try:
            self._table.transact([*rows, *sums], pauses=PATIENT_PAUSES_S)
        except Refused as refused:
            raise StateConflict("a row is not answered") from refused

    def unsettled(self, ids: Collection[OperationId]) -> frozenset[OperationId]:
        """One BatchGetItem for each 100 ids, consistent."""
        keys = {id_: operation_key(id_) for id_ in ids}
        items = self._table.batch_get(list(keys.values()), only_state=True)
        waiting_keys = {item["PK"]["S"] for item in items if item["state"]["S"] == State.ANSWERED}
        return frozenset(id_ for id_, key in keys.items() if key["PK"]["S"] in waiting_keys)

    def entry(self, operation_id: OperationId) -> LedgerEntry | None:
        """One consistent GetItem."""
        item = self._table.get(operation_key(operation_id))
        return entry_of_image(item) if item is not None else None

    def entries(self, ids: Collection[OperationId]) -> Mapping[OperationId, LedgerEntry]:
        """One BatchGetItem for each 100 ids, consistent."""
        keys = [operation_key(id_) for id_ in dict.fromkeys(ids)]
        found = filter(None, map(entry_of_image, self._table.batch_get(keys)))
        return {entry.id: entry for entry in found}

    def answered(
        self, limit: int, *, before_ms: int | None = None, after: Position | None = None
    ) -> Sequence[LedgerEntry]:
        """16 queries of `open`, and a BatchGetItem for each 100 rows that are not finished."""
        return unfinished(self._table, WAITING, limit, before_ms=before_ms, after=after)

    def open_rows(self, before_ms: int, limit: int, *, after: Position | None = None) -> Sequence[LedgerEntry]:
        """16 queries of `open`, and a BatchGetItem for each 100 rows that are not finished."""
        return unfinished(self._table, UNRESOLVED, limit, before_ms=before_ms, after=after)

    def idempotency_records(
        self, tenant: TenantId, name: str, *, start: str, limit: int
    ) -> Sequence[IdempotencyRecord]:
        """One consistent Query for each 100 claims."""
        values = {":place": claim_partition(tenant, name), ":start": {"S": start}}
        items = self._table.query(
            _FROM_SLOT, values, ConsistentRead=True, ScanIndexForward=False, limit=min(max(limit, 1), PAGE)
        )
        return [claim_of_item(item) for item in islice(items, max(limit, 0))]

    def search(self, query: RecordQuery) -> Sequence[LedgerEntry]:
        """16 queries of `by_day` for each day down to the last row, and a BatchGetItem for each 100 rows."""
        check_query(query)
        return matching(self._table, query)

    def _begin_with(
        self, entry: LedgerEntry, idempotency_records: list[_Action], reserve: Sequence[Reservation]
    ) -> None:
        row = "Put", {"Item": operation_item(entry), "ConditionExpression": IS_NEW}
        try:
            self._table.transact([row, *idempotency_records, *map(reserving, reserve)], pauses=PATIENT_PAUSES_S)
        except Refused as refused:
            place = min(refused.olds)
            if place == 0:
                raise AlreadyExists("operation") from refused
            if place <= len(idempotency_records):
                raise IdempotencyConflict("the request") from refused
            raise OverBudget(reserve[place - 1 - len(idempotency_records)].account) from refused

    def _advance_with(
        self, row: _Action, owned: Sequence[Ownership], moved: list[_Action], idempotency: IdempotencyRecord | None
    ) -> None:
        """All or nothing, but that the tenant may have an object already, and the claim be another's by now.

        Put if new is tried for each ownership row. A refusal brings the row that stands there: if it is the same
        tenant's, the Put becomes a check that it is, and the whole is tried again. Ownership never changes hands, so
        each round takes at least one Put away and there is an end::

            [row, put A, put B] --> refused: A is there, and ours --> [row, check A, put B] --> done

        A claim that is refused is left out of the next round: the row counts, the claim only answers for it.
        """
        held: frozenset[ObjectRef] = frozenset()
        while True:
            ownership = [_holding(own) if own.ref in held else _owning(own) for own in owned]
            kept = [answering(idempotency)] if idempotency is not None else []
            try:
                self._table.transact([row, *ownership, *moved, *kept], pauses=PATIENT_PAUSES_S)
            except Refused as refused:
                last = len(ownership) + len(moved) + 1
                if last in refused.olds:
                    idempotency = None
                held |= _held_already({p: old for p, old in refused.olds.items() if p != last}, owned, held)
            else:
                return


def _held_already(
    olds: Mapping[int, Item], owned: Sequence[Ownership], known: frozenset[ObjectRef]
) -> frozenset[ObjectRef]:
    """The refs whose Put was refused in favour of their own tenant. StateConflict when that is not all that failed."""
    held = set()
    for place, old in olds.items():
        # Place 0 is the operation's row; after the owned rows come the retired ones.
        own = owned[place - 1] if 1 <= place <= len(owned) else None
        if own is None or own.ref in known or old.get("tenant") != {"S": own.tenant}:
            raise StateConflict("the row or its ownership")
        held.add(own.ref)
    return frozenset(held)


def _replacing(entry: LedgerEntry, since: State) -> _Action:
    return "Put", {
        "Item": operation_item(entry),
        "ConditionExpression": _STANDS_AT,
        "ExpressionAttributeNames": STATE_NAME,
        "ExpressionAttributeValues": encoded({":since": since}),
    }


def _owning(row: Ownership) -> _Action:
    return "Put", {
        "Item": ownership_item(row),
        "ConditionExpression": IS_NEW,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _holding(row: Ownership) -> _Action:
    return "ConditionCheck", {
        "Key": ownership_key(row.ref),
        "ConditionExpression": _IS_THE_TENANTS,
        "ExpressionAttributeValues": encoded({":tenant": row.tenant}),
    }


def _retiring(ref: ObjectRef, at: int) -> _Action:
    return "Update", {
        "Key": ownership_key(ref),
        "UpdateExpression": _RETIRE,
        "ConditionExpression": _IS_THERE,
        "ExpressionAttributeValues": encoded({":at": at}),
    }


def _adding(rollup: Rollup) -> _Action:
    return "Update", {
        "Key": rollup_key(rollup.bucket),
        "UpdateExpression": _ADD,
        "ExpressionAttributeValues": encoded(
            {":calls": rollup.calls, ":failures": rollup.failures, ":spend": rollup.spend}
        ),
    }
