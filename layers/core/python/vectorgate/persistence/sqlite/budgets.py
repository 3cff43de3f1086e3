"""Limits and accounts on SQLite: their writes in the ledger's transactions, and their reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectorgate.budgets.model import Balance, BudgetScope, Limit, Subject
from vectorgate.persistence.sqlite.audit import recorded
from vectorgate.persistence.validation import check_account, check_subject
from vectorgate.pricing.money import NanoUSD
from vectorgate.store_errors import AlreadyExists, OverBudget, StateConflict

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.audit.model import AuditRecord
    from vectorgate.budgets.model import Account, BalanceChange, Reservation
    from vectorgate.persistence.sqlite.database import Database

_BALANCE = "SELECT reserved, spent FROM accounts WHERE scope = ? AND id = ? AND period = ?"
_MOVE = """
    INSERT INTO accounts (scope, id, period, reserved, spent) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (scope, id, period) DO UPDATE SET
        reserved = reserved + excluded.reserved, spent = spent + excluded.spent
"""
_LIMIT = """
    SELECT since, max_budget, soft_budget, duration, alias, blocked, metadata, version, deleted_at,
        rpm_limit, tpm_limit, max_parallel_requests, email, store_rules
    FROM limits WHERE scope = ? AND id = ?
"""
_ALL_LIMITS = """
    SELECT id, since, max_budget, soft_budget, duration, alias, blocked, metadata, version, deleted_at,
        rpm_limit, tpm_limit, max_parallel_requests, email, store_rules
    FROM limits WHERE scope = ? ORDER BY id
"""
_ADD_LIMIT = """
    INSERT INTO limits (since, max_budget, soft_budget, duration, alias, blocked, metadata, version, deleted_at,
        rpm_limit, tpm_limit, max_parallel_requests, email, store_rules, scope, id)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (scope, id) DO NOTHING
"""
_REPLACE_LIMIT = """
    UPDATE limits SET since = ?, max_budget = ?, soft_budget = ?, duration = ?, alias = ?, blocked = ?, metadata = ?,
        version = ?, deleted_at = ?, rpm_limit = ?, tpm_limit = ?, max_parallel_requests = ?, email = ?,
        store_rules = ?
    WHERE scope = ? AND id = ? AND version = ?
"""
_SET_SPENT = """
    INSERT INTO accounts (scope, id, period, reserved, spent) VALUES (?, ?, ?, 0, ?)
    ON CONFLICT (scope, id, period) DO UPDATE SET spent = excluded.spent WHERE ? OR spent < 0
"""
_MOVE_SPENT = "UPDATE accounts SET spent = spent + ? WHERE scope = ? AND id = ? AND period = ?"


def reserve_all(connection: sqlite3.Connection, reservations: Sequence[Reservation]) -> None:
    """Reserve every amount. OverBudget for the first account without room; the caller then rolls back."""
    for reservation in reservations:
        key = _account_key(reservation.account)
        balance = connection.execute(_BALANCE, key).fetchone()
        committed = sum(balance) if balance is not None else 0
        if reservation.max_committed < 0 or committed > reservation.max_committed:
            raise OverBudget(reservation.account)
        if reservation.amount:
            connection.execute(_MOVE, (*key, reservation.amount, 0))


def apply_changes(connection: sqlite3.Connection, changes: Sequence[BalanceChange]) -> None:
    """Add the changes to the accounts' balances."""
    for change in changes:
        connection.execute(_MOVE, (*_account_key(change.account), change.reserved, change.spent))


class SqliteBudgets:
    """BudgetStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def limits(self, subjects: Collection[Subject]) -> Mapping[Subject, Limit]:
        """One point read for each subject."""
        found = {}
        for subject in subjects:
            check_subject(subject)
            for row in self._database.rows(_LIMIT, (subject.scope, subject.id)):
                found[subject] = _limit(*row)
        return found

    def balances(self, accounts: Collection[Account]) -> Mapping[Account, Balance]:
        """One point read for each account."""
        found = {}
        for account in accounts:
            check_account(account)
            for reserved, spent in self._database.rows(_BALANCE, _account_key(account)):
                found[account] = Balance(reserved, spent)
        return found

    def set_spent(self, account: Account, amount: int, *, new: bool = False) -> None:
        """One INSERT or UPDATE."""
        check_account(account)
        if self._database.change(_SET_SPENT, (*_account_key(account), amount, not new)) == 0:
            raise AlreadyExists("account")

    def move_spent(self, account: Account, amount: int) -> None:
        """One UPDATE."""
        check_account(account)
        self._database.change(_MOVE_SPENT, (amount, *_account_key(account)))

    def add_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> None:
        """One INSERT."""
        check_subject(subject)
        if recorded(self._database, _ADD_LIMIT, (*_columns(limit), subject.scope, subject.id), audit) == 0:
            raise AlreadyExists("limit")

    def all_limits(self, scope: BudgetScope) -> Mapping[Subject, Limit]:
        """A walk along the primary key."""
        rows = self._database.rows(_ALL_LIMITS, (scope,))
        return {Subject(scope, id_): _limit(*columns) for id_, *columns in rows}

    def replace_limit(self, subject: Subject, limit: Limit, *, audit: AuditRecord | None = None) -> None:
        """One UPDATE."""
        check_subject(subject)
        values = (*_columns(limit), subject.scope, subject.id, limit.version - 1)
        if recorded(self._database, _REPLACE_LIMIT, values, audit) == 0:
            raise StateConflict("limit")


def _account_key(account: Account) -> tuple[str, str, str]:
    return account.subject.scope, account.subject.id, account.period


def _columns(limit: Limit) -> tuple[int | str | None, ...]:
    figures = (limit.since, limit.max_budget, limit.soft_budget, limit.duration)
    rates = (limit.rpm_limit, limit.tpm_limit, limit.max_parallel_requests)
    others = (limit.alias, limit.blocked, limit.metadata, limit.version, limit.deleted_at)
    return (*figures, *others, *rates, limit.email, limit.store_rules)


def _limit(*columns: Any) -> Limit:  # noqa: ANN401  # what sqlite3 returns
    since, max_budget, soft_budget, duration, alias, blocked, metadata, version, deleted_at, *others = columns
    rpm_limit, tpm_limit, max_parallel_requests, email, store_rules = others
    return Limit(
        since=since,
        max_budget=NanoUSD(max_budget) if max_budget is not None else None,
        soft_budget=NanoUSD(soft_budget) if soft_budget is not None else None,
        duration=duration,
        alias=alias,
        blocked=bool(blocked),
        metadata=metadata,
        version=version,
        deleted_at=deleted_at,
        rpm_limit=rpm_limit,
        tpm_limit=tpm_limit,
        max_parallel_requests=max_parallel_requests,
        email=email,
        store_rules=store_rules,
    )
