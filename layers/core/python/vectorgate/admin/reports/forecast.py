"""`GET /global/spend/forecast`: what this month cost so far, what it will have cost, and the budgets of teams.

The forecast is what was spent, and for each further day the average of the last complete days. A team with a budget has
its own period; one without a budget has the month.
"""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import dollars, iso_time
from vectorgate.admin.lists import refuse_unknown
from vectorgate.admin.pending_storage import PendingStorage
from vectorgate.budgets.model import LIFETIME, Account, Balance, BudgetScope, window_of
from vectorgate.classes import dataclass
from vectorgate.ledger.rollups import day_of
from vectorgate.ledger.sums import Dimension, SumQuery
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.money import rounded_ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.budgets.model import Limit

RATE_DAYS: Final = 14  # complete days, of which the average is the rate of a day


@dataclass(frozen=True, slots=True)
class Spending:
    """Nano-dollars: of this month, of metered storage that is not charged yet, and of the last RATE_DAYS days."""

    month: int = 0
    pending: int = 0
    recent: int = 0

    def ahead(self, seconds: int) -> int:
        """What so many seconds will cost at the rate of the last days."""
        return rounded_ratio(self.recent * max(0, seconds), RATE_DAYS * DAY_S)


def forecast(request: Request, deps: AdminDeps) -> dict[str, object]:
    """The month's spend and forecast, and of each team's budget. InvalidRequest."""
    refuse_unknown(request.query, ())
    now = deps.clock.unix_s()
    today = datetime.fromtimestamp(now, UTC).date()
    first = today.replace(day=1)
    end = (first + timedelta(days=32)).replace(day=1)
    spent = _spending(deps, today)
    whole = _total(spent.values())
    left = (end - today).days * DAY_S - now % DAY_S
    return {
        "period_start": first.isoformat(),
        "period_end": end.isoformat(),
        **_fields(whole.month, whole, left),
        "teams": _teams(deps, spent, left, now),
    }


def _total(parts: Iterable[Spending]) -> Spending:
    found = [*parts]
    return Spending(*(sum(getattr(each, name) for each in found) for name in Spending.__slots__))


def _spending(deps: AdminDeps, today: date) -> dict[str | None, Spending]:
    """By team; None for what no team is charged for."""
    recent = (today - timedelta(days=RATE_DAYS)).isoformat()
    month = today.replace(day=1).isoformat()
    by = frozenset({Dimension.DAY, Dimension.TENANT})
    sums = deps.stores.reports.sums(SumQuery(first_day=min(recent, month), last_day=today.isoformat(), by=by))
    of_month, of_recent, pending = Counter[str | None](), Counter[str | None](), Counter[str | None]()
    for rollup in sums:
        team, day = rollup.bucket.facts.team, rollup.bucket.day
        of_month[team] += rollup.spend if day >= month else 0
        of_recent[team] += rollup.spend if recent <= day < today.isoformat() else 0
    for record in PendingStorage(deps).records:
        if deps.actor.team_id in {None, record.team_id} and day_of(record.started_ms) >= month:
            pending[record.team_id] += record.spend or 0
    teams = {*of_month, *of_recent, *pending}
    return {team: Spending(of_month[team], pending[team], of_recent[team]) for team in teams}


def _teams(deps: AdminDeps, spent: Mapping[str | None, Spending], left: int, now: int) -> list[dict[str, object]]:
    """The teams, the one with the largest forecast first."""
    limits = deps.stores.budgets.all_limits(BudgetScope.TEAM)
    accounts = {subject.id: Account(subject, window_of(limit, now).period) for subject, limit in limits.items()}
    balances = deps.stores.budgets.balances([*accounts.values()]) if accounts else {}
    by_id = {subject.id: limit for subject, limit in limits.items()}
    found: list[dict[str, object]] = []
    for team in sorted({*by_id, *(each for each in spent if each is not None)}):
        limit, spending = by_id.get(team), spent.get(team, Spending())
        balance = balances.get(accounts[team], Balance()) if team in accounts else Balance()
        found.append({"team_id": team, **_of_team(limit, balance, spending, left, now)})
    return sorted(found, key=lambda each: -int(str(each["forecast_nano_usd"])))


def _of_team(limit: Limit | None, balance: Balance, spending: Spending, left: int, now: int) -> dict[str, object]:
    if limit is None or limit.max_budget is None:
        budget = {"max_budget": None, "budget_reset_at": None}
        return {**budget, "team_alias": limit.alias if limit else None, **_fields(spending.month, spending, left)}
    window = window_of(limit, now)
    ends = window.ends_at if window.period != LIFETIME else None
    return {
        "max_budget": dollars(limit.max_budget),
        "budget_reset_at": iso_time(ends),
        "team_alias": limit.alias,
        **_fields(balance.spent, spending, ends - now if ends is not None else left),
    }


def _fields(spent: int, spending: Spending, left: int) -> dict[str, object]:
    ahead = spent + max(spending.pending, 0) + spending.ahead(left)
    amounts = {"spend": spent, "pending_storage_spend": spending.pending, "forecast": ahead}
    return {
        **{name: dollars(each) for name, each in amounts.items()},
        **{f"{name}_nano_usd": each for name, each in amounts.items()},
    }
