"""Limits and accounts on DynamoDB.

A condition does no arithmetic, so `committed` (reserved + spent) is kept beside its two parts, and the caller computes
the limit less the amount::

    ADD committed :x, reserved :x   if  attribute_not_exists(committed) OR committed <= :limit_less_x

An account without an item has spent nothing: a new period needs none to begin with, and a changed limit counts at once.
`holds.py` reserves; `holds`, the ids of the operations that something is reserved for, is a set of 16 bytes each.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from vectorgate.budgets.model import (
    STORES,
    Account,
    Balance,
    BudgetScope,
    Limit,
    Subject,
    accounts_of,
    balance_changes,
)
from vectorgate.persistence.dynamodb.codec import decoded, encoded
from vectorgate.persistence.dynamodb.schema import BY_TENANT, audit_actions, joined
from vectorgate.persistence.dynamodb.table import IS_NEW, SUMS_ALONE, ConditionFailed, DynamoTable, version_condition
from vectorgate.persistence.validation import check_account, check_subject
from vectorgate.store_errors import AlreadyExists, StateConflict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.budgets.model import BalanceChange
    from vectorgate.ids import OperationId
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.dynamodb.schema import Action, Item

_MOVE: Final = "ADD committed :committed, reserved :reserved, spent :spent"
_MOVE_AND_RELEASE: Final = "ADD committed :committed, reserved :reserved, spent :spent DELETE holds :holds"
_SET_SPENT: Final = (
    "SET committed = if_not_exists(reserved, :zero) + :amount, reserved = if_not_exists(reserved, :zero), "
    "spent = :amount"
)
_IS_UNCOUNTED: Final = "attribute_not_exists(PK) OR spent < :zero"
_MOVE_SPENT: Final = "ADD committed :amount, spent :amount"
_IS_THERE: Final = "attribute_exists(PK)"
_LIMIT: Final = "LIMIT"
_ALL: Final = "by_tenant_pk = :place"
_ALL_PAGE: Final = 1_000  # rows of a page, which has at most a megabyte
# The partitions of by_tenant with every limit; a key's limit is in the key's row.
_PLACES: Final[Mapping[BudgetScope, str]] = {
    BudgetScope.TEAM: "TEAMS",
    BudgetScope.END_USER: "CUSTOMERS",
    BudgetScope.USER: "USERS",
}


def account_key(account: Account) -> Item:
    """The primary key of an account."""
    check_account(account)
    return {"PK": joined("BUD", account.subject.scope, account.subject.id), "SK": joined(account.period)}


def limit_key(subject: Subject) -> Item:
    """The primary key of a limit."""
    check_subject(subject)
    return {"PK": joined("BUD", subject.scope, subject.id), "SK": {"S": _LIMIT}}


def move_actions(entries: Sequence[LedgerEntry]) -> Iterator[Action]:
    """What voided and settled rows add to the sums of their accounts, which hold nothing for them any more."""
    changes = balance_changes(entries)
    held: dict[Account, list[OperationId]] = {}
    for entry in entries if changes else ():
        for account in accounts_of(entry):
            if entry.reserved or account.period == STORES:
                held.setdefault(account, []).append(entry.id)
    return (_move_action(change, held.get(change.account, ())) for change in changes)


def _move_action(change: BalanceChange, held: Sequence[OperationId]) -> Action:
    sums = {
        ":committed": change.reserved + change.spent,
        ":reserved": change.reserved,
        ":spent": change.spent,
    }
    return "Update", {
        "Key": account_key(change.account),
        "UpdateExpression": _MOVE_AND_RELEASE if held else _MOVE,
        "ExpressionAttributeValues": encoded(sums) | (held_ids(held) if held else {}),
    }


def held_ids(ids: Sequence[OperationId]) -> Item:
    """The ids of operations as the values of an expression on `holds`."""
    return {":holds": {"BS": [_bytes_of(id_) for id_ in ids]}}


def hold_values(id_: OperationId) -> Item:
    """One id as a set, and as a member that is looked for in it."""
    return {**held_ids([id_]), ":hold": {"B": _bytes_of(id_)}}


def _bytes_of(id_: OperationId) -> bytes:
    return bytes.fromhex(id_.replace("-", ""))


class DynamoBudgets:
    """BudgetStore."""

    def __init__(self, table: DynamoTable) -> None:
        self._table = table

    def limits(self, subjects: Collection[Subject]) -> Mapping[Subject, Limit]:
        """One BatchGetItem for each 100 subjects, consistent."""
        items = self._table.batch_get([limit_key(subject) for subject in subjects])
        return {_subject_of(item): Limit(**decoded(item, Limit)) for item in items}

    def balances(self, accounts: Collection[Account]) -> Mapping[Account, Balance]:
        """One BatchGetItem for each 100 accounts, consistent."""
        items = self._table.batch_get([account_key(account) for account in accounts], only=SUMS_ALONE)
        return {Account(_subject_of(item), item["SK"]["S"]): Balance(**decoded(item, Balance)) for item in items}

    def set_spent(self, account: Account, amount: int, *, new: bool = False) -> None:
        """One UpdateItem."""
        condition: dict[str, Any] = {"ConditionExpression": _IS_UNCOUNTED} if new else {}
        values = encoded({":amount": amount, ":zero": 0})
        update: dict[str, Any] = {"UpdateExpression": _SET_SPENT, "ExpressionAttributeValues": values, **condition}
        try:
            self._table.update(account_key(account), **update)
        except ConditionFailed as failure:
            raise AlreadyExists("account") from failure

    def move_spent(self, account: Account, amount: int) -> None:
        """One UpdateItem."""
        with suppress(ConditionFailed):
            self._table.update(
                account_key(account),
                UpdateExpression=_MOVE_SPENT,
                ConditionExpression=_IS_THERE,
                ExpressionAttributeValues=encoded({":amount": amount}),
            )

    def add_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> None:
        """One PutItem, in a transaction with the audit record."""
        try:
            self._table.put(limit_item(subject, limit), audit_actions(audit), ConditionExpression=IS_NEW)
        except ConditionFailed as failure:
            raise AlreadyExists("limit") from failure

    def all_limits(self, scope: BudgetScope) -> Mapping[Subject, Limit]:
        """One Query for each 1,000 rows or megabyte, eventually consistent."""
        values = {":place": {"S": _PLACES[scope]}}
        items = self._table.query(_ALL, values, IndexName=BY_TENANT, limit=_ALL_PAGE)
        return {_subject_of(item): Limit(**decoded(item, Limit)) for item in items}

    def replace_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> None:
        """One PutItem, in a transaction with the audit record."""
        try:
            self._table.put(limit_item(subject, limit), audit_actions(audit), **version_condition(limit.version - 1))
        except ConditionFailed as failure:
            raise StateConflict("limit") from failure


def limit_item(subject: Subject, limit: Limit) -> Item:
    """The whole item of a limit, in the list of all of its scope."""
    item = limit_key(subject) | encoded({name: getattr(limit, name) for name in Limit.__slots__})
    if subject.scope in _PLACES:
        item |= {"by_tenant_pk": {"S": _PLACES[subject.scope]}, "by_tenant_sk": {"S": subject.id}}
    return item


def _subject_of(item: Item) -> Subject:
    _, scope, id_ = item["PK"]["S"].split("#")
    return Subject(BudgetScope(scope), id_)
