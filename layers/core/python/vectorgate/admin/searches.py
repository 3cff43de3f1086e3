"""`GET /admin/searches`: how often the keys that search most did so, by UTC day, for the dashboard's chart."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from vectorgate.admin.lists import number, refuse_unknown
from vectorgate.ids import KeyId
from vectorgate.ledger.rollups import NO_KEY, day_numbered
from vectorgate.ledger.sums import Dimension, SumQuery
from vectorgate.metering.model import DAY_S

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.ledger.rollups import Rollup

DEFAULT_DAYS: Final = 30
MAX_DAYS: Final = 366
LARGEST: Final = 5  # keys that are shown; the others are added up


def by_key(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Searches of the last `days` by the keys that search most, and by the others together. InvalidRequest.

    Those are the largest of the months that the days touch: sums by month are few. Only theirs are read by day.
    """
    refuse_unknown(request.query, {"days"})
    count = number(request.query, "days", DEFAULT_DAYS, MAX_DAYS)
    today = deps.clock.unix_s() // DAY_S
    days = [day_numbered(day) for day in range(today - count + 1, today + 1)]
    reports, every = deps.stores.reports, frozenset({Dimension.DAY})
    shown = _largest(reports.sums(_whole_months(days)))
    by_day = SumQuery(first_day=days[0], last_day=days[-1], by=every)
    total = _series(reports.sums(by_day), days)
    found: defaultdict[str, list[Rollup]] = defaultdict(list)
    of_keys = SumQuery(
        first_day=days[0],
        last_day=days[-1],
        by=every | {Dimension.KEY},
        ids=frozenset(shown),
        keys=frozenset(shown),
        kinds=True,
    )
    for rollup in reports.sums(of_keys) if shown else ():
        found[rollup.bucket.facts.key_id].append(rollup)
    series = {name: _series(found[name], days) for name in shown}
    others = [total[at] - sum(each[at] for each in series.values()) for at in range(len(days))]
    return {"days": days, "keys": _named(series, deps), "others": others}


def _whole_months(days: Sequence[str]) -> SumQuery:
    """The sums by key of all months that the days touch."""
    return SumQuery(first_day=f"{days[0][:7]}-01", last_day=f"{days[-1][:7]}-31", by=frozenset({Dimension.KEY}))


def _largest(sums: Sequence[Rollup]) -> list[str]:
    counts = {rollup.bucket.facts.key_id: rollup.searches for rollup in sums if rollup.searches}
    names = [name for name in counts if name not in {"", NO_KEY}]
    return sorted(names, key=lambda name: (-counts[name], name))[:LARGEST]


def _series(sums: Sequence[Rollup], days: Sequence[str]) -> list[int]:
    by_day: dict[str, int] = {}
    for rollup in sums:
        by_day[rollup.bucket.day] = by_day.get(rollup.bucket.day, 0) + rollup.searches
    return [by_day.get(day, 0) for day in days]


def _named(series: Mapping[str, Sequence[int]], deps: AdminDeps) -> list[dict[str, object]]:
    """The keys that searched within the days, with their names."""
    rows = {name: deps.stores.keys.key(KeyId(name)) for name in series if any(series[name])}
    return [
        {"api_key": name, "key_alias": row.alias if row is not None else None, "searches": series[name]}
        for name, row in rows.items()
    ]
