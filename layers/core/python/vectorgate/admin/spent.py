"""The spend of a key, a team or an end user, under LiteLLM's names, with a budget and without one.

With a limit: the balance of the limit's account in the current period. Without one no account is kept, and the amount
is the sum of the daily sums (`ledger.rollups`) since the key was made, or of the last MONTHS months.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import dollars, iso_time
from vectorgate.admin.months import days_of_last_months, last_months, months_since
from vectorgate.budgets.model import LIFETIME, Account, Balance, BudgetScope, Subject, Window, window_of
from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import tenant_of_team
from vectorgate.ledger.rollups import TOOLS, Scope, day_of
from vectorgate.ledger.sums import Dimension, SumQuery

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.budgets.model import Limit
    from vectorgate.ledger.rollups import Rollup

MONTHS: Final = 24  # that are added up for a team or an end user without a limit; a key's are those since it was made
LINES: Final = ("spend_by_call_type", "spend_by_call_type_nano_usd")
_SCOPES: Final[Mapping[BudgetScope, Scope]] = {
    BudgetScope.KEY: Scope.KEY,
    BudgetScope.TEAM: Scope.TENANT,
    BudgetScope.END_USER: Scope.END_USER,
}


@dataclass(frozen=True, slots=True)
class Spent:
    """Reads what was spent. A limit costs one read for each 100 of them, no limit one for each month."""

    deps: AdminDeps

    def fields_of(self, subject: Subject, limit: Limit | None, since: int | None = None) -> dict[str, object]:
        """Budget and spend of one subject. `since`: the Unix second before which it cannot have spent anything."""
        return self.fields_of_all([(subject, limit, since)])[0]

    def fields_of_all(
        self,
        subjects: Sequence[tuple[Subject, Limit | None, int | None]],
        *,
        lines: bool = False,
        sums: Mapping[Subject, Counter[str]] | None = None,
    ) -> list[dict[str, object]]:
        """As `fields_of`, in their order, with the balances of 100 limits read at once.

        `lines`: with those of `lines_of` where there is no limit; with one, null: they would cost a read for each.
        `sums`: of those without a limit that were read before.
        """
        now = self.deps.clock.unix_s()
        windows = {subject: window_of(limit, now) for subject, limit, _ in subjects if limit is not None}
        accounts = [Account(subject, window.period) for subject, window in windows.items()]
        balances = self.deps.stores.budgets.balances(accounts) if accounts else {}
        shown: list[dict[str, object]] = []
        for subject, limit, since in subjects:
            if limit is None:
                spent = (sums or {}).get(subject) or self._summed(subject, since)
                fields = _fields(None, None, Balance(spent=spent.total()))
                shown.append(fields | _lines(spent) if lines else fields)
            else:
                account = Account(subject, windows[subject].period)
                fields = _fields(limit, windows[subject], balances.get(account, Balance()))
                shown.append(fields | dict.fromkeys(LINES) if lines else fields)
        return shown

    def lines_of(self, subject: Subject, limit: Limit | None, since: int | None = None) -> dict[str, object]:
        """The spend of `fields_of` by call type: tokens, calls of tools and storage, each that cost something.

        Of whole UTC days: where a limit without a period was set in the midst of a day, of all of that day.
        """
        begun = since if limit is None else self._began(limit)
        sums: Counter[str] = Counter()
        for rollup in self._rollups(subject, begun):
            if begun is None or rollup.bucket.day >= _day(begun):
                _add(sums, rollup)
        return _lines(sums)

    def _began(self, limit: Limit) -> int:
        """The Unix second at which the limit's current period began."""
        period = window_of(limit, self.deps.clock.unix_s()).period
        return limit.since if period == LIFETIME else int(datetime.fromisoformat(f"{period}T00:00:00Z").timestamp())

    def of_end_users(self, ids: frozenset[str] | None = None) -> dict[Subject, Counter[str]]:
        """What each end user, or those of `ids`, spent by call type in the last MONTHS months, in one query.

        Not of earlier releases.
        """
        first, last = days_of_last_months(MONTHS, self.deps.clock.unix_s())
        query = SumQuery(
            first_day=first,
            last_day=last,
            scope=Scope.END_USER,
            ids=ids,
            by=frozenset({Dimension.ID, Dimension.OPERATION}),
        )
        sums: dict[Subject, Counter[str]] = defaultdict(Counter)
        for rollup in self.deps.stores.reports.sums(query):
            _add(sums[Subject(BudgetScope.END_USER, rollup.bucket.scope_id)], rollup)
        return dict(sums)

    def has_called(self, subject: Subject) -> bool:
        """Whether any call counts for it in the last MONTHS months."""
        return next(self._rollups(subject, None), None) is not None

    def _summed(self, subject: Subject, since: int | None) -> Counter[str]:
        sums: Counter[str] = Counter()
        months = [*self._months(since)]
        if not months:  # `since` is of a clock that is ahead, in the next month
            return sums
        reports, scope = self.deps.stores.reports, _SCOPES[subject.scope]
        for rollup in reports.of_months(scope, _scope_id(subject), months[-1], months[0]):
            _add(sums, rollup)
        return sums

    def _rollups(self, subject: Subject, since: int | None) -> Iterator[Rollup]:
        for month in self._months(since):
            yield from self.deps.stores.reports.rollups(_SCOPES[subject.scope], _scope_id(subject), month)

    def _months(self, since: int | None) -> Iterator[str]:
        """The months that are added up, newest first: back to that of `since`, or MONTHS of them."""
        now = self.deps.clock.unix_s()
        return last_months(MONTHS, now) if since is None else months_since(since, now)


def _scope_id(subject: Subject) -> str:
    return tenant_of_team(subject.id) if subject.scope is BudgetScope.TEAM else subject.id


def added_lines(lines: Iterable[Mapping[str, object]]) -> dict[str, object]:
    """The sum of several of `Spent.lines_of`."""
    sums: Counter[str] = Counter()
    for each in lines:
        exact = each[LINES[1]]
        sums.update(exact if isinstance(exact, dict) else {})
    return _lines(sums)


def _add(sums: Counter[str], rollup: Rollup) -> None:
    sums[rollup.bucket.operation] += rollup.spend - rollup.tools_spend
    sums[TOOLS] += rollup.tools_spend


def _lines(sums: Counter[str]) -> dict[str, object]:
    lines = {operation: amount for operation, amount in sorted(sums.items()) if amount}
    in_dollars = {operation: dollars(amount) for operation, amount in lines.items()}
    return dict(zip(LINES, (in_dollars, lines), strict=True))


def _day(unix_s: int) -> str:
    return day_of(unix_s * MILLISECONDS)


def _fields(limit: Limit | None, window: Window | None, balance: Balance) -> dict[str, object]:
    return {
        "max_budget": dollars(limit.max_budget) if limit is not None else None,
        "soft_budget": dollars(limit.soft_budget) if limit is not None else None,
        "budget_duration": limit.duration if limit is not None else None,
        "budget_reset_at": iso_time(window.ends_at) if window is not None else None,
        "spend": dollars(balance.spent),
        "reserved": dollars(balance.reserved),
        "spend_nano_usd": balance.spent,
    }
