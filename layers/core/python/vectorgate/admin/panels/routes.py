"""`GET /admin/panels/...`. A team admin's key sees its own team in each of them."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Final

from vectorgate.admin.panels.window import added, largest, window_of
from vectorgate.ids import KeyId, ObjectId, ObjectKind, ProviderName
from vectorgate.ledger.latencies import OVERHEAD, UPSTREAM, percentile_ms
from vectorgate.ledger.rollups import NO_KEY, Scope
from vectorgate.ledger.sums import Dimension, SumQuery
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import STORAGE
from vectorgate.tenancy.ownership import ObjectRef, last_known_store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

LARGEST: Final = 5  # lines of a chart; the others are added up
PERCENTS: Final = (50, 95, 99)
_CALLS: Final = ("calls", "refusals", "upstream_errors")


def requests(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Calls, those of them that no provider was asked for, and those that failed with 5xx. InvalidRequest."""
    window = window_of(request, deps)
    sums: dict[str, Counter[str]] = {name: Counter() for name in _CALLS}
    query = SumQuery(first_day=window.first, last_day=window.last, by=frozenset({Dimension.DAY, Dimension.OPERATION}))
    for rollup in deps.stores.reports.sums(query):
        if rollup.bucket.operation != STORAGE:
            for name in _CALLS:
                sums[name][rollup.bucket.day] += getattr(rollup, name)
    return {"days": window.days, **{name: window.series(by_day) for name, by_day in sums.items()}}


def latency(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Percentiles of the gateway's own time and of the provider's, in milliseconds; null without calls."""
    window = window_of(request, deps)
    by_day = deps.stores.reports.latencies(SumQuery(first_day=window.first, last_day=window.last))
    whole = added(by_day.values())
    return {
        "days": window.days,
        **{
            name: {
                f"p{percent}": {
                    "all": percentile_ms(whole, kind, percent),
                    "by_day": [percentile_ms(by_day.get(day, {}), kind, percent) for day in window.days],
                }
                for percent in PERCENTS
            }
            for name, kind in (("overhead_ms", OVERHEAD), ("upstream_ms", UPSTREAM))
        },
    }


def storage(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Bytes of the largest stores, on average over each day that was charged, and of the others together."""
    window = window_of(request, deps)
    query = SumQuery(
        first_day=window.first,
        last_day=window.last,
        scope=Scope.STORE,
        by=frozenset({Dimension.DAY, Dimension.ID, Dimension.PROVIDER}),
        operations=frozenset({STORAGE}),
    )
    sums: dict[str, dict[str, int]] = defaultdict(dict)
    providers: dict[str, str] = {}
    for rollup in deps.stores.reports.sums(query):
        name, day = rollup.bucket.scope_id, rollup.bucket.day
        sums[name][day] = sums[name].get(day, 0) + rollup.byte_seconds // DAY_S
        providers[name] = rollup.bucket.provider
    shown = largest(sums, LARGEST)
    names = _names_of_stores({name: providers[name] for name in shown}, deps)
    rows = [{"id": name, "name": names[name], "bytes": window.series(sums[name])} for name in shown]
    others = added(by_day for name, by_day in sums.items() if name not in shown)
    return {"days": window.days, "stores": rows, "others": window.series(others), "count": len(sums)}


def _names_of_stores(providers: Mapping[str, str], deps: AdminDeps) -> dict[str, object]:
    refs = {
        name: ObjectRef(ProviderName(provider), ObjectKind.VECTOR_STORE, ObjectId(name))
        for name, provider in providers.items()
    }
    rows = deps.stores.ownership.owners([*refs.values()]) if refs else {}
    now = deps.clock.unix_s()
    return {name: last_known_store(rows[ref], now)["name"] if ref in rows else None for name, ref in refs.items()}


def searches(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Searches of the keys that search most, and of the others together."""
    window = window_of(request, deps)
    query = SumQuery(first_day=window.first, last_day=window.last, by=frozenset({Dimension.DAY, Dimension.KEY}))
    sums: dict[str, dict[str, int]] = defaultdict(dict)
    for rollup in deps.stores.reports.sums(query):
        name, day = rollup.bucket.facts.key_id, rollup.bucket.day
        sums[name][day] = sums[name].get(day, 0) + rollup.searches
    shown = largest({name: by_day for name, by_day in sums.items() if name != NO_KEY}, LARGEST)
    rows = [_searches_of(name, window.series(sums[name]), deps) for name in shown]
    others = added(by_day for name, by_day in sums.items() if name not in shown)
    return {"days": window.days, "keys": rows, "others": window.series(others)}


def _searches_of(name: str, series: Sequence[int], deps: AdminDeps) -> dict[str, object]:
    row = deps.stores.keys.key(KeyId(name))
    return {"api_key": name, "key_alias": row.alias if row is not None else None, "searches": series}


PANELS: Final[Mapping[tuple[str, str], Callable[[Request, AdminDeps], object]]] = {
    ("GET", "/admin/panels/requests"): requests,
    ("GET", "/admin/panels/latency"): latency,
    ("GET", "/admin/panels/storage"): storage,
    ("GET", "/admin/panels/searches"): searches,
}
