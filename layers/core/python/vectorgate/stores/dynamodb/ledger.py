"""The ledger on DynamoDB.

Every transition writes the whole row under a condition on its state, so that the stream's new image is the row and two
writers cannot both leave one state::

    api                               table                              meter
    Put answered if state=started --> done        refused <-- Put voided if state=started
                                                              StateConflict: read it again

Write units of rows up to 1 KiB: `begin` 3 (row, `by_day`, `open`), `advance` 1 (2 where the row leaves `open`),
with ownership 2 for the row, 3 for each new ownership row, 3 for each retired one (`by_tenant`), `settle` 3 a row
(it leaves `open`) and 2 a rollup. `tests/contract/test_costs.py` counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vectorgate.ledger.model import Entry, State
from vectorgate.stores import AlreadyExists, StateConflict
from vectorgate.stores.checks import check_advance, check_begun, check_query, check_settle
from vectorgate.stores.dynamodb.codec import encoded
from vectorgate.stores.dynamodb.schema import (
    entry_of_image,
    operation_item,
    operation_key,
    ownership_item,
    ownership_key,
    rollup_key,
)
from vectorgate.stores.dynamodb.search import matching, waiting
from vectorgate.stores.dynamodb.table import IS_NEW, STATE_NAME, DynamoTable, Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from vectorgate.ids import OperationId
    from vectorgate.ledger.store import RecordQuery
    from vectorgate.reports.model import Rollup
    from vectorgate.tenancy.model import Ownership, Ref

_STANDS_AT: Final = "#state = :since"
_IS_THERE: Final = "attribute_exists(PK)"
_IS_THE_TENANTS: Final = "tenant = :tenant"
_RETIRE: Final = "SET retired_at = if_not_exists(retired_at, :at) REMOVE by_tenant_pk, by_tenant_sk"
_ADD: Final = "ADD calls :calls, failures :failures, spend :spend"

_Action = tuple[str, dict[str, Any]]


class DynamoLedger:
    """LedgerStore."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def begin(self, entry: Entry) -> None:
        """One PutItem."""
        check_begun(entry)
        try:
            self._table.put(operation_item(entry), ConditionExpression=IS_NEW)
        except Refused as refused:
            raise AlreadyExists("operation") from refused

    def advance(
        self, entry: Entry, *, since: State, owned: Sequence[Ownership] = (), retired: Sequence[Ref] = (), at: int = 0
    ) -> None:
        """One PutItem; one TransactWriteItems where ownership follows."""
        check_advance(entry, since, owned, retired)
        if owned or retired:
            self._advance_with_ownership(_replacing(entry, since), owned, [_retiring(ref, at) for ref in retired])
            return
        _, replacement = _replacing(entry, since)
        try:
            self._table.put(replacement.pop("Item"), **replacement)
        except Refused as refused:
            raise StateConflict("operation") from refused

    def settle(self, settled: Sequence[Entry], rollups: Sequence[Rollup]) -> None:
        """One TransactWriteItems."""
        check_settle(settled, rollups)
        rows = [_replacing(entry, State.ANSWERED) for entry in settled]
        sums = [_adding(rollup) for rollup in rollups]
        if not rows and not sums:
            return
        try:
            self._table.transact([*rows, *sums])
        except Refused as refused:
            raise StateConflict("a row is not answered") from refused

    def unsettled(self, ids: Collection[OperationId]) -> frozenset[OperationId]:
        """One BatchGetItem for each 100 ids, consistent."""
        keys = {id_: operation_key(id_) for id_ in ids}
        items = self._table.batch_get(list(keys.values()), only_state=True)
        waiting_keys = {item["PK"]["S"] for item in items if item["state"]["S"] == State.ANSWERED}
        return frozenset(id_ for id_, key in keys.items() if key["PK"]["S"] in waiting_keys)

    def entry(self, operation_id: OperationId) -> Entry | None:
        """One consistent GetItem."""
        item = self._table.get(operation_key(operation_id))
        return entry_of_image(item) if item is not None else None

    def answered(self, limit: int) -> Sequence[Entry]:
        """16 queries of `open`, and a BatchGetItem for each 100 rows that are not finished."""
        return waiting(self._table, limit)

    def search(self, query: RecordQuery) -> Sequence[Entry]:
        """16 queries of `by_day` for each day down to the last row, and a BatchGetItem for each 100 rows."""
        check_query(query)
        return matching(self._table, query)

    def _advance_with_ownership(self, row: _Action, owned: Sequence[Ownership], retirements: list[_Action]) -> None:
        """All or nothing; what the tenant has already stays as it is.

        Put if new is tried for each ownership row. A refusal brings the row that stands there: if it is the same
        tenant's, the Put becomes a check that it is, and the whole is tried again. Ownership never changes hands, so
        each round takes at least one Put away and there is an end::

            [row, put A, put B] --> refused: A is there, and ours --> [row, check A, put B] --> done
        """
        held: frozenset[Ref] = frozenset()
        while True:
            ownership = [_holding(own) if own.ref in held else _owning(own) for own in owned]
            try:
                self._table.transact([row, *ownership, *retirements])
            except Refused as refused:
                held |= _held_already(refused, owned, held)
            else:
                return


def _held_already(refused: Refused, owned: Sequence[Ownership], known: frozenset[Ref]) -> frozenset[Ref]:
    """The refs whose Put was refused in favour of their own tenant. StateConflict when that is not all that failed."""
    held = set()
    for place, old in refused.olds.items():
        # Place 0 is the operation's row; after the owned rows come the retired ones.
        own = owned[place - 1] if 1 <= place <= len(owned) else None
        if own is None or own.ref in known or old.get("tenant") != {"S": own.tenant}:
            raise StateConflict("the row or its ownership") from refused
        held.add(own.ref)
    return frozenset(held)


def _replacing(entry: Entry, since: State) -> _Action:
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


def _retiring(ref: Ref, at: int) -> _Action:
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
