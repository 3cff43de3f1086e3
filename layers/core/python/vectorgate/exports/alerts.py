"""Budget alerts, as Slack's incoming webhooks take them: each once in a budget's window.

The events are LiteLLM's: `soft_budget_crossed`; `threshold_crossed`, at 80 % of the budget; `budget_crossed`, at 100 %;
`projected_limit_exceeded`, where the window's spend so far, carried on to its end, is more than the budget. What has
settled counts. An alert is marked after it was sent: a crash between the two sends it twice.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import JSON, encode_json
from vectorgate.budgets.model import Account, BudgetScope, Subject, key_limit, window_of
from vectorgate.classes import dataclass
from vectorgate.exports.names import SLACK
from vectorgate.exports.ports import Alert, DeliveryFailed
from vectorgate.exports.record import CHECK
from vectorgate.ids import KeyId
from vectorgate.pricing.money import NANO_PER_USD, NanoUSD, format_usd
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.budgets.model import Balance, Limit, Window
    from vectorgate.budgets.ports import BudgetStore
    from vectorgate.clock import Clock
    from vectorgate.exports.http import Address, Post
    from vectorgate.exports.ports import AlertLog
    from vectorgate.exports.record import Record

SOFT: Final = "soft_budget_crossed"
THRESHOLD: Final = "threshold_crossed"
CROSSED: Final = "budget_crossed"
PROJECTED: Final = "projected_limit_exceeded"
PERCENT: Final = 80
LEAST_PART: Final = 10  # a forecast is made once a tenth of the window is over
AT_ONCE: Final = 100
CHECK_TEXT: Final = "vectorgate: this is a test of budget alerts."
_FIELDS: Final[Mapping[BudgetScope, str]] = {
    BudgetScope.KEY: "key_id",
    BudgetScope.TEAM: "team_id",
    BudgetScope.END_USER: "end_user",
    BudgetScope.USER: "user_id",
}
_CENT: Final = NANO_PER_USD // 100
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetAlerts:
    """Destination: of the records' accounts, a message for each alert that is due and was not sent."""

    post: Post
    address: Callable[[], Address]
    keys: KeyStore
    budgets: BudgetStore
    log: AlertLog
    clock: Clock
    name: str = SLACK
    at_once: int = AT_ONCE

    def deliver(self, records: Sequence[Record]) -> None:
        """One POST for each alert."""
        if any(record["operation"] == CHECK for record in records):
            self._send(CHECK_TEXT)
        try:
            due = self._due(sorted({account for record in records for account in accounts_of(record)}))
            sent = self.log.sent(list(due)) if due else frozenset()
            for alert, text in due.items():
                if alert not in sent:
                    self._send(text)
                    self.log.mark(alert)
        except StoreError as error:
            raise DeliveryFailed("the table cannot be reached") from error

    def _due(self, accounts: Sequence[Account]) -> Mapping[Alert, str]:
        """The alerts of these accounts that are due, with their texts. Periods that are over have none."""
        limits = self._limits({account.subject for account in accounts})
        now = self.clock.unix_s()
        current = [
            account
            for account in accounts
            if account.subject in limits and window_of(limits[account.subject], now).period == account.period
        ]
        balances = self.budgets.balances(current) if current else {}
        due: dict[Alert, str] = {}
        for account in current:
            if account in balances:
                due |= alerts_of(account, limits[account.subject], balances[account], now)
        return due

    def _limits(self, subjects: Iterable[Subject]) -> Mapping[Subject, Limit]:
        of_keys = sorted(subject for subject in subjects if subject.scope is BudgetScope.KEY)
        others = sorted(set(subjects).difference(of_keys))
        found = dict(self.budgets.limits(others)) if others else {}
        for subject in of_keys:
            key = self.keys.key(KeyId(subject.id))
            limit = key_limit(key) if key is not None else None
            if limit is not None:
                found[subject] = limit
        return found

    def _send(self, text: str) -> None:
        self.post(self.address(), encode_json({"text": text}), {"content-type": JSON})


def accounts_of(record: Record) -> Iterator[Account]:
    """The accounts that a record counted against."""
    budgets = record.get("budgets")
    for ref in budgets if isinstance(budgets, list) else ():
        scope, _, period = str(ref).partition("/")
        name = record.get(_FIELDS.get(BudgetScope(scope), ""))
        if name is not None:
            yield Account(Subject(BudgetScope(scope), str(name)), period)


def alerts_of(account: Account, limit: Limit, balance: Balance, now: int) -> dict[Alert, str]:
    """The alerts that are due for an account at this moment (Unix seconds), each with its text. Pure."""
    spent, most, soft = balance.spent, limit.max_budget, limit.soft_budget
    window = window_of(limit, now)
    found = []
    if soft is not None and spent >= soft > 0:
        found.append((SOFT, f"has spent {_usd(spent)}, over its soft budget of {_usd(soft)}"))
    if most is not None and most > 0:
        share = f"has spent {_usd(spent)} of its budget of {_usd(most)}"
        if spent * 100 >= most * PERCENT:
            found.append((THRESHOLD, f"{share}: over {PERCENT} %"))
        if spent >= most:
            found.append((CROSSED, f"{share}: all of it"))
        projected = forecast(spent, window, now)
        if projected is not None and projected > most > spent:
            found.append((PROJECTED, f"{share}, and at this rate will spend {_usd(projected - projected % _CENT)}"))
    whose = f"{account.subject.scope.value.replace('_', ' ')} {_name(account, limit)}"
    until = _until(window)
    return {
        Alert(account.subject.scope, account.subject.id, account.period, kind): f"vectorgate: {whose} {what}{until}."
        for kind, what in found
    }


def forecast(spent: int, window: Window, now: int) -> int | None:
    """What will be spent by the window's end at the rate so far; None for an endless one, or too early to say."""
    if window.ends_at is None:
        return None
    began = int(datetime.fromisoformat(window.period).replace(tzinfo=UTC).timestamp())
    length, over = window.ends_at - began, now - began
    return spent * length // over if 0 < length <= over * LEAST_PART else None


def _name(account: Account, limit: Limit) -> str:
    """The alias where there is one, and the id: of a key, a hash."""
    name = account.subject.id if limit.alias is None else f"{limit.alias} ({account.subject.id})"
    return f"`{name.translate(_ESCAPES).replace('`', chr(39))}`"


def _until(window: Window) -> str:
    if window.ends_at is None:
        return ""
    return f", in the period from {window.period} until {datetime.fromtimestamp(window.ends_at, UTC):%Y-%m-%d}"


def _usd(amount: int) -> str:
    return f"${format_usd(NanoUSD(amount))}"
