"""`GET /global/...`: what a dashboard shows in one request each: calls, latencies and bytes by day."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

from vectorgate.admin.lists import number, refuse_unknown
from vectorgate.admin.reports.daily_activity import NO_REQUESTS
from vectorgate.admin.reports.daily_query import days_in, tenants_named
from vectorgate.ids import ObjectId, ObjectKind, ProviderName
from vectorgate.ledger.latencies import OVERHEAD, UPSTREAM, percentile_ms
from vectorgate.ledger.rollups import Scope
from vectorgate.ledger.sums import Dimension, SumQuery
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import STORAGE
from vectorgate.pricing.money import rounded_ratio
from vectorgate.tenancy.ownership import ObjectRef, last_known_store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.ledger.rollups import Facts, Rollup

_DATES: Final = frozenset({"start_date", "end_date", "team_id"})
_PERCENTS: Final = (50, 95, 99)
MOST_STORES: Final = 100
DEFAULT_STORES: Final = 20


def activity(request: Request, deps: AdminDeps) -> dict[str, object]:
    """LiteLLM's calls and tokens by day, beside refusals, the provider's errors and searches. InvalidRequest."""
    query = _query(request, by=frozenset({Dimension.DAY, Dimension.OPERATION}))
    days: dict[str, Counter[str]] = {day: Counter() for day in _days(query)}
    for rollup in deps.stores.reports.sums(query):
        days[rollup.bucket.day].update(_calls(rollup))
    found = [{"date": day, **{name: counts[name] for name in _CALLS}} for day, counts in days.items()]
    whole = sum(days.values(), Counter[str]())
    return {"daily_data": found, **{f"sum_{name}": whole[name] for name in _CALLS}}


_CALLS: Final = ("api_requests", "total_tokens", "failed_requests", "refusals", "upstream_errors", "searches")


def _calls(rollup: Rollup) -> dict[str, int]:
    tokens, searches = rollup.input_tokens + rollup.output_tokens, rollup.searches
    if rollup.bucket.operation in NO_REQUESTS:
        return {}
    failures = (rollup.failures, rollup.refusals, rollup.upstream_errors)
    return dict(zip(_CALLS, (rollup.calls, tokens, *failures, searches), strict=True))


def latency(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Percentiles of the gateway's own time and of the provider's, by day, in milliseconds. InvalidRequest."""
    query = _query(request, by=frozenset({Dimension.DAY}))
    found = deps.stores.reports.latencies(query)
    days = [{"date": day, **_percentiles(found.get(day, {}))} for day in _days(query)]
    return {"daily_data": days, **_percentiles(sum(map(Counter, found.values()), Counter[str]()))}


def _percentiles(counts: Mapping[str, int]) -> dict[str, object]:
    return {
        name: {
            **{f"p{percent}_ms": percentile_ms(counts, kind, percent) for percent in _PERCENTS},
            "calls": sum(count for bucket, count in counts.items() if bucket.startswith(kind)),
        }
        for name, kind in (("overhead", OVERHEAD), ("upstream", UPSTREAM))
    }


def storage(request: Request, deps: AdminDeps) -> dict[str, object]:
    """The bytes of the `limit` largest stores by day, and of the others together. InvalidRequest."""
    limit = number(request.query, "limit", DEFAULT_STORES, MOST_STORES)
    by = frozenset({Dimension.DAY, Dimension.ID, Dimension.TENANT, Dimension.PROVIDER})
    query = _query(request, by=by, also=frozenset({"limit"}))
    sums = deps.stores.reports.sums(replace(query, scope=Scope.STORE, operations=frozenset({STORAGE})))
    days = list(_days(query))
    places = {day: place for place, day in enumerate(days)}
    stored: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * len(days))
    owners: dict[tuple[str, str], Facts] = {}
    for rollup in sums:
        store = rollup.bucket.provider, rollup.bucket.scope_id
        stored[store][places[rollup.bucket.day]] += rounded_ratio(rollup.byte_seconds, DAY_S)
        owners[store] = rollup.bucket.facts  # of the last day
    largest = sorted(stored, key=lambda store: (stored[store][::-1], store), reverse=True)
    shown, others = largest[:limit], largest[limit:]
    names = _names_of(shown, owners, deps)
    return {
        "days": days,
        "stores": [
            _place(store, names[store]) | {"team_id": owners[store].team, "bytes": stored[store]} for store in shown
        ],
        "other_stores": len(others),
        "other_bytes": _added((stored[store] for store in others), len(days)),
        "total_bytes": _added(stored.values(), len(days)),
    }


def _place(store: tuple[str, str], name: object) -> dict[str, object]:
    return {"id": store[1], "provider": store[0], "name": name}


def _added(columns: Iterable[Sequence[int]], length: int) -> list[int]:
    return [sum(column) for column in zip([0] * length, *columns, strict=True)]


def _names_of(
    stores: Sequence[tuple[str, str]], owners: Mapping[tuple[str, str], Facts], deps: AdminDeps
) -> dict[tuple[str, str], object]:
    """The names of stores. A team learns none that another team, to which its store was moved, has given since."""
    refs = {store: ObjectRef(ProviderName(store[0]), ObjectKind.VECTOR_STORE, ObjectId(store[1])) for store in stores}
    rows = deps.stores.ownership.owners([*refs.values()]) if refs else {}
    now = deps.clock.unix_s()
    every = deps.actor.team_id is None
    own = {store for store, ref in refs.items() if ref in rows and (every or rows[ref].tenant == owners[store].tenant)}
    return {store: last_known_store(rows[refs[store]], now)["name"] if store in own else None for store in stores}


def _query(request: Request, *, by: frozenset[Dimension], also: frozenset[str] = frozenset()) -> SumQuery:
    refuse_unknown(request.query, _DATES | also)
    first, last = days_in(request.query)
    tenants, kinds = tenants_named(request.query), Dimension.OPERATION in by
    return SumQuery(first_day=first, last_day=last, by=by, tenants=tenants, kinds=kinds)


def _days(query: SumQuery) -> Iterator[str]:
    first, last = date.fromisoformat(query.first_day), date.fromisoformat(query.last_day)
    return ((first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1))
