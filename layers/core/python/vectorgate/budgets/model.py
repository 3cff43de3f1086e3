"""Limits, the accounts that count against them, and the changes that ledger rows make to accounts. Pure.

An account is one period of one subject. It holds `reserved`, the most that operations in progress may cost, and
`spent`, the cost of settled ones; `committed` is their sum. Available is the limit less `committed`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import InvalidRequest
from vectorgate.classes import dataclass
from vectorgate.ledger.entry import State
from vectorgate.pricing.money import NANO_PER_USD, ZERO, NanoUSD, parse_usd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.ledger.entry import LedgerEntry

MAX_USD: Final = 1_000_000_000  # several such amounts fit into 64 bits as nano-dollars
NO_LIMIT: Final = NanoUSD(1 << 62)  # stands in for an absent limit: above any balance, and within 64 bits
LIFETIME: Final = "ever"  # the period of a limit that never resets
STORES: Final = "stores"  # the period of the account that counts a team's stores, in stores
STORED: Final = "stored-"  # with a provider: the bytes that a team's stores hold there, as last metered
_DURATION: Final = r"([1-9][0-9]{0,3})(d|w|mo)"
_DAYS_A_WEEK: Final = 7
_MONTHS: Final = 12
_DAY_S: Final = 86_400


class BudgetScope(StrEnum):
    """The kind of a budget's subject."""

    KEY = "key"
    TEAM = "team"
    END_USER = "end_user"
    USER = "user"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A key, a team, an end user, or a user, whom keys name: each can have a limit."""

    scope: BudgetScope
    id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The limit of a subject: nano-dollars a period. `max_budget` refuses calls, `soft_budget` only flags them.

    None: no such bound. `duration` is `<n>d`, `<n>w` or `<n>mo`, None for a single period that never ends. Days and
    weeks are counted from the UTC day of `since` (Unix seconds); months are calendar months.

    The other columns are an administrator's settings of a team or an end user: every call of a `blocked` one is
    refused. `metadata` is JSON. `version` counts writes of the row. `deleted_at` (Unix seconds): the team was deleted,
    and is blocked. Its row stays, so that no other team gets its id, and with it its stores. `rpm_limit` and
    `tpm_limit`: requests and tokens a minute; `max_parallel_requests`: requests at a time. `email` is of a user,
    `store_rules`, of a team, are as `budgets.store_rules` reads them.
    """

    since: int
    max_budget: NanoUSD | None = None
    soft_budget: NanoUSD | None = None
    duration: str | None = None
    alias: str | None = None
    blocked: bool = False
    metadata: str | None = None
    version: int = 1
    deleted_at: int | None = None
    rpm_limit: int | None = None
    tpm_limit: int | None = None
    max_parallel_requests: int | None = None
    email: str | None = None
    store_rules: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """One period of one subject. `period` is the UTC day on which it began, or LIFETIME."""

    subject: Subject
    period: str


@dataclass(frozen=True, slots=True)
class Window:
    """A budget period, named as in `Account`. `ends_at` in Unix seconds, None when it does not end."""

    period: str
    ends_at: int | None


@dataclass(frozen=True, slots=True)
class Balance:
    """The sums of an account, in nano-dollars."""

    reserved: int = 0
    spent: int = 0

    @property
    def committed(self) -> int:
        """The amount that is no longer available."""
        return self.reserved + self.spent


@dataclass(frozen=True, slots=True)
class Reservation:
    """A request to reserve `amount`, granted if at most `limit` is committed with it. An amount of 0 only checks."""

    account: Account
    amount: NanoUSD
    limit: NanoUSD

    @property
    def max_committed(self) -> int:
        """The highest committed sum with which the reservation is granted."""
        return self.limit - self.amount


@dataclass(frozen=True, slots=True)
class BalanceChange:
    """Amounts to add to the two sums of an account."""

    account: Account
    reserved: int
    spent: int


def is_duration(text: str) -> bool:
    """Whether `text` is a valid duration of a period."""
    return re.fullmatch(_DURATION, text) is not None


def window_of(limit: Limit, unix_s: int) -> Window:
    """The period that contains a moment. ValueError for an invalid duration."""
    if limit.duration is None:
        return Window(LIFETIME, None)
    match = re.fullmatch(_DURATION, limit.duration)
    if match is None:
        raise ValueError("invalid duration")
    count, unit = int(match[1]), match[2]
    today = datetime.fromtimestamp(unix_s, UTC).date()
    if unit == "mo":
        return _months(today, count)
    days = count * (_DAYS_A_WEEK if unit == "w" else 1)
    first = datetime.fromtimestamp(limit.since, UTC).date()
    start = first + timedelta(days=(today - first).days // days * days)
    return _window(start, start + timedelta(days=days))


def _months(today: date, count: int) -> Window:
    first = (today.year * _MONTHS + today.month - 1) // count * count
    return _window(_first_of(first), _first_of(first + count))


def _first_of(months: int) -> date:
    return date(months // _MONTHS, months % _MONTHS + 1, 1)


def _window(start: date, end: date) -> Window:
    return Window(start.isoformat(), (end - date(1970, 1, 1)).days * _DAY_S)


def account_ref(account: Account) -> str:
    """An account as a ledger row names it. The subject's id is a column of the row already."""
    return f"{account.subject.scope}/{account.period}"


def accounts_of(entry: LedgerEntry) -> list[Account]:
    """The accounts that a ledger row counts against."""
    ids = {
        BudgetScope.KEY: entry.key_id,
        BudgetScope.TEAM: entry.team_id,
        BudgetScope.END_USER: entry.end_user,
        BudgetScope.USER: entry.user_id,
    }
    found = []
    for ref in entry.budgets:
        scope, _, period = ref.partition("/")
        found.append(Account(Subject(BudgetScope(scope), str(ids[BudgetScope(scope)])), period))
    return found


def balance_changes(entries: Iterable[LedgerEntry]) -> list[BalanceChange]:
    """The changes that voided and settled rows make, one for each account, ordered by account.

    Both release the reservation. A settled row's cost counts in full, also where nothing was reserved for it.
    """
    sums: dict[Account, list[int]] = {}
    for entry in entries:
        if entry.state not in {State.SETTLED, State.VOIDED}:
            continue
        spent = entry.spend or ZERO if entry.state is State.SETTLED else ZERO
        for account in accounts_of(entry):
            change = _store_change(entry) if account.period == STORES else (-(entry.reserved or ZERO), spent)
            if change != (0, 0):
                total = sums.setdefault(account, [0, 0])
                total[0] += change[0]
                total[1] += change[1]
    return [BalanceChange(account, reserved, spent) for account, (reserved, spent) in sorted(sums.items())]


def _store_change(entry: LedgerEntry) -> tuple[int, int]:
    """What a finished row changes of the places reserved for its team's stores, and of their number."""
    if entry.operation == "vector_stores.create":
        return -1, int(entry.state is State.SETTLED and entry.vector_store_id is not None)
    deleted = entry.operation == "vector_stores.delete" and entry.state is State.SETTLED and entry.succeeded
    return 0, -1 if deleted else 0


def key_limit(key: VirtualKey) -> Limit | None:
    """The limit in a key's own row, or None."""
    if key.max_budget is None and key.soft_budget is None:
        return None
    return Limit(
        since=key.created_at,
        max_budget=key.max_budget,
        soft_budget=key.soft_budget,
        duration=key.budget_duration,
    )


def limits_calls(subject: Subject, limit: Limit) -> bool:
    """Whether calls count against a limit: the row of a user who has none is of no concern to them."""
    if subject.scope is not BudgetScope.USER or limit.blocked:
        return True
    bounds = limit.max_budget, limit.soft_budget, limit.rpm_limit, limit.tpm_limit, limit.max_parallel_requests
    return any(bound is not None for bound in bounds)


def subjects_of(entry: LedgerEntry) -> list[Subject]:
    """The subjects whose limits apply to a row: of its key, team, end user and user."""
    named = (
        (BudgetScope.KEY, entry.key_id),
        (BudgetScope.TEAM, entry.team_id),
        (BudgetScope.END_USER, entry.end_user),
        (BudgetScope.USER, entry.user_id),
    )
    return [Subject(scope, name) for scope, name in named if name is not None]


def budget_duration(text: str | None) -> str | None:
    """Validate the duration of a period; None passes. InvalidRequest otherwise."""
    if text is not None and not is_duration(text):
        raise InvalidRequest(
            "Invalid 'budget_duration': expected a number and a unit, such as '1d', '30d' or '1mo'.",
            code="invalid_value",
            param="budget_duration",
        )
    return text


def budget_amount(param: str, usd: float | None) -> NanoUSD | None:
    """Convert dollars from JSON to nano-dollars, exactly as the client wrote them; None passes. InvalidRequest.

    The shortest text that represents a float is the text that was parsed.
    """
    if usd is None:
        return None
    try:
        amount = parse_usd(repr(usd))
    except ValueError:
        amount = NanoUSD(-1)
    if not 0 <= amount <= MAX_USD * NANO_PER_USD:
        raise InvalidRequest(
            f"Invalid '{param}': expected dollars from 0 to {MAX_USD}, with at most nine decimals.",
            code="invalid_value",
            param=param,
        )
    return amount
