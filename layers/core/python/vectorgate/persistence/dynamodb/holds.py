"""Reservations of a row on DynamoDB: one conditional UpdateItem for each account, after the row's Put.

Two transactions on one account conflict; single updates do not. Each can be repeated, and undone, because an account
keeps the ids of the operations whose amounts it `holds`::

    begin     Put the row, `reserving`; then in each account  ADD the amount and the id   if it has room and not the id
    answered  Put the row                     by the process that began it, and knows that every account holds it
    settled   in the row's transaction        ADD the sums, DELETE the ids

A crash, or a lost answer, in between leaves a row that is still `reserving`: each of its accounts may hold its amount
or not. Another process, as a rule the sweep, concludes the row, no earlier than a lease after it began::

    close     SET fence = the row's start     from now on the account accepts nothing of this row, nor of older ones,
                                              and the row's own process, if it still runs, gives nothing back
    read      which accounts hold it          this no longer changes; if one does not, the call was never sent
    void      in the row's transaction        release what is held

Once a row is no longer `reserving`, its id in an account is of no use. Settlement deletes it. Where that lags, or was
an earlier release's, one `begin` in CLEANUPS deletes ids that are older than LEFT_MS. An earlier release leaves rows
alone that are `reserving` (`form` 2).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final
from uuid import UUID

from vectorgate.budgets.model import balance_changes
from vectorgate.idempotency.record import LEASE_MS
from vectorgate.ids import OperationId
from vectorgate.ledger.entry import State, unix_ms_of
from vectorgate.persistence.dynamodb.budgets import account_key, held_ids, hold_values
from vectorgate.persistence.dynamodb.codec import encoded
from vectorgate.persistence.dynamodb.schema import operation_key
from vectorgate.persistence.dynamodb.table import BATCH, PATIENT_PAUSES_S, STATE_ALONE, SUMS_ALONE, ConditionFailed
from vectorgate.store_errors import OverBudget, StateConflict, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.budgets.model import Account, BalanceChange, Reservation
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.dynamodb.schema import Action, Item
    from vectorgate.persistence.dynamodb.table import DynamoTable

CLEANUPS: Final = 64  # one row in so many deletes ids of no use: fewer than BATCH, the most that it deletes
LEFT_MS: Final = 10_000  # no attempt to reserve comes so late, not even one that botocore repeats

_HOLD: Final = "ADD committed :amount, reserved :amount, holds :holds"
_RELEASE: Final = "ADD committed :amount, reserved :amount DELETE holds :holds"
_DELETE_IDS: Final = "DELETE holds :holds"
_HAS_ROOM: Final = (
    "(attribute_not_exists(committed) OR committed <= :room) AND NOT contains(holds, :hold) "
    "AND (attribute_not_exists(fence) OR fence < :began)"
)
_IS_MINE: Final = "contains(holds, :hold) AND (attribute_not_exists(fence) OR fence < :began)"
_IS_HELD: Final = "contains(holds, :hold)"
_CLOSE: Final = (
    "SET fence = :began, committed = if_not_exists(committed, :zero), reserved = if_not_exists(reserved, :zero)"
)
_IS_OPEN: Final = "attribute_not_exists(fence) OR fence < :began"
_WITH_ITEM: Final = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"}


def check_room(table: DynamoTable, reserve: Sequence[Reservation]) -> None:
    """Check the accounts in which nothing is to be reserved, before the row is begun. One BatchGetItem. OverBudget."""
    asked = [each for each in reserve if not each.amount]
    items = table.batch_get([account_key(each.account) for each in asked], only=SUMS_ALONE)
    committed = {_place(item): _number(item, "committed") for item in items}
    for each in asked:
        if committed.get(_place(account_key(each.account)), 0) > each.max_committed:
            raise OverBudget(each.account)


def hold_all(table: DynamoTable, entry: LedgerEntry, reserve: Sequence[Reservation]) -> None:
    """Reserve everything for a row that is `reserving`, or nothing. OverBudget, StoreUnavailable.

    One UpdateItem for each account that is not only checked. After StoreUnavailable some may be held: the row is left
    as it is, and the sweep concludes it.
    """
    held: list[Reservation] = []
    try:
        for reservation in reserve:
            if reservation.amount:
                _hold(table, entry, reservation)
                held.append(reservation)
    except OverBudget:
        for reservation in held:
            _give_back(table, entry, reservation)
        raise
    if held and table.chance(CLEANUPS):
        for reservation in held:
            _delete_ids(table, reservation.account, entry.started_ms - LEFT_MS)


def is_reserved(table: DynamoTable, entry: LedgerEntry) -> bool:
    """Whether all accounts of a row that is `reserving` hold it: then its call may have been sent, else it never is.

    One UpdateItem for each account, and one BatchGetItem, consistent. StoreUnavailable.
    """
    return len(_held(table, entry)) == len(_releases(entry))


def concluding_actions(table: DynamoTable, entry: LedgerEntry) -> list[Action]:
    """What a row that is `reserving` changes in its accounts when it is voided, beside its own Put; answered: nothing.

    Calls as of `is_reserved`. StateConflict for an answered row whose call was not sent. StoreUnavailable.
    """
    held = _held(table, entry)
    if entry.state is State.VOIDED:
        return [_release_action(entry, release) for release in held]
    if len(held) < len(_releases(entry)):
        raise StateConflict("a row that was not sent")
    return []


def _releases(entry: LedgerEntry) -> list[BalanceChange]:
    """What voiding the row releases in each of its accounts."""
    return balance_changes([entry.changed(state=State.VOIDED)])


def _held(table: DynamoTable, entry: LedgerEntry) -> list[BalanceChange]:
    """Close the row's accounts for it; the releases of those that hold its amount, which no longer changes."""
    releases = _releases(entry)
    for release in releases:
        _close(table, release.account, entry.started_ms)
    items = table.batch_get([account_key(release.account) for release in releases])
    holding = {_place(item) for item in items if entry.id in _held_ids(item)}
    return [release for release in releases if _place(account_key(release.account)) in holding]


def _hold(table: DynamoTable, entry: LedgerEntry, reservation: Reservation) -> None:
    """Reserve in one account. OverBudget; StoreUnavailable if the sweep has taken the row for crashed."""
    if reservation.max_committed < 0:
        raise OverBudget(reservation.account, begun=True)
    values = {":amount": reservation.amount, ":room": reservation.max_committed}
    item = _change(table, entry, reservation.account, _HOLD, _HAS_ROOM, values=values)
    if item is not None and entry.id not in _held_ids(item):  # it does if botocore repeated a request that was executed
        raise OverBudget(reservation.account, begun=True)


def _give_back(table: DynamoTable, entry: LedgerEntry, reservation: Reservation) -> None:
    """Release what this process reserved in one account. StoreUnavailable if the sweep took the row for crashed."""
    _change(table, entry, reservation.account, _RELEASE, _IS_MINE, values={":amount": -reservation.amount})


def _change(
    table: DynamoTable, entry: LedgerEntry, account: Account, update: str, condition: str, *, values: dict[str, int]
) -> Item | None:
    """One UpdateItem by the row's own process; the account as it was if it does not meet the condition, else None.

    StoreUnavailable if the sweep took the row for one that crashed.
    """
    try:
        table.update(
            account_key(account),
            pauses=PATIENT_PAUSES_S,
            UpdateExpression=update,
            ConditionExpression=condition,
            ExpressionAttributeValues=encoded({**values, ":began": entry.started_ms}) | hold_values(entry.id),
            **_WITH_ITEM,
        )
    except ConditionFailed as failure:
        item = failure.old_items[0]
        if _is_closed(item, entry):
            raise StoreUnavailable("dynamodb: the row was taken for one that crashed") from failure
        return item
    return None


def _close(table: DynamoTable, account: Account, began_ms: int) -> None:
    """Have an account accept nothing more of rows that began by then, or by a lease ago if that is earlier."""
    closed_ms = min(began_ms, table.clock.unix_ms() - LEASE_MS)
    with suppress(ConditionFailed):
        table.update(
            account_key(account),
            pauses=PATIENT_PAUSES_S,
            UpdateExpression=_CLOSE,
            ConditionExpression=_IS_OPEN,
            ExpressionAttributeValues=encoded({":began": closed_ms, ":zero": 0}),
        )


def _release_action(entry: LedgerEntry, release: BalanceChange) -> Action:
    return "Update", {
        "Key": account_key(release.account),
        "UpdateExpression": _RELEASE,
        "ConditionExpression": _IS_HELD,
        "ExpressionAttributeValues": encoded({":amount": release.reserved}) | hold_values(entry.id),
    }


def _delete_ids(table: DynamoTable, account: Account, before_ms: int) -> None:
    """Delete the ids of rows that began before, and are no longer `reserving`: those of one BATCH, oldest first.

    The sums stay.
    """
    with suppress(StoreError):
        held = [id_ for item in table.batch_get([account_key(account)]) for id_ in _held_ids(item)]
        old = sorted(id_ for id_ in held if unix_ms_of(id_) < before_ms)
        for start in range(0, len(old), BATCH):
            ids = {operation_key(id_)["PK"]["S"]: id_ for id_ in old[start : start + BATCH]}
            rows = table.batch_get([operation_key(id_) for id_ in ids.values()], only=STATE_ALONE)
            left = {*ids.values()} - {ids[row["PK"]["S"]] for row in rows if "reserving" in row}  # also of rows removed
            if left:
                table.update(
                    account_key(account), UpdateExpression=_DELETE_IDS, ExpressionAttributeValues=held_ids(sorted(left))
                )
                return


def _place(item: Item) -> str:
    return f"{item['PK']['S']}/{item['SK']['S']}"


def _held_ids(item: Item) -> list[OperationId]:
    return [OperationId(str(UUID(bytes=id_))) for id_ in item.get("holds", {}).get("BS", ())]


def _is_closed(item: Item, entry: LedgerEntry) -> bool:
    return "fence" in item and _number(item, "fence") >= entry.started_ms


def _number(item: Item, name: str) -> int:
    return int(item[name]["N"]) if name in item else 0
