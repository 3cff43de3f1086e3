"""`GET /team|user|tag|customer/daily/activity`: LiteLLM's daily spend, in its shapes.

A page has so many rollups, the last day first; the totals in `metadata` are the page's, as LiteLLM's are. The endpoint
is the call type. Records of storage and corrections cost, but are no requests.
"""

from __future__ import annotations

from collections import defaultdict
from operator import add
from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import dollars
from vectorgate.admin.lists import pages_of
from vectorgate.admin.reports.daily_query import CUSTOMERS, TAGS, TEAMS, USERS, daily_query, page_in
from vectorgate.admin.reports.names import key_names, team_names
from vectorgate.ledger.sums import Page
from vectorgate.pricing.book import CORRECTION, STORAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.reports.daily_query import DailyQuery, Entity
    from vectorgate.api.http import Request
    from vectorgate.ledger.rollups import Rollup

_ALL: Final = 1 << 40
PAGING: Final = frozenset({"page", "page_size"})
NO_REQUESTS: Final = frozenset({STORAGE, CORRECTION})
# LiteLLM's measures, in the order of a list of sums; spend is the first, in nano-dollars.
METRICS: Final = (
    *("spend", "prompt_tokens", "completion_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
    *("total_tokens", "successful_requests", "failed_requests", "api_requests"),
)
KINDS: Final = ("models", "model_groups", "providers", "endpoints", "api_keys", "entities")
Sums = list[int]


def teams(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A page of the days of teams, with what each key, model, provider and call type had. InvalidRequest."""
    return _activity(request, deps, TEAMS)


def users(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A page of the days of people, whom keys name. InvalidRequest."""
    return _activity(request, deps, USERS)


def tags(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A page of the days of tags; a call with two tags counts for both. InvalidRequest."""
    return _activity(request, deps, TAGS)


def customers(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A page of the days of end users. InvalidRequest."""
    return _activity(request, deps, CUSTOMERS)


def _activity(request: Request, deps: AdminDeps, entity: Entity) -> dict[str, object]:
    query = daily_query(request, entity, PAGING)
    number, size = page_in(request.query)
    found = _page(query, deps, (number - 1) * size, size)
    pages = pages_of(range(found.total), size)
    shown = {"page": number, "total_pages": pages, "has_more": number < pages}
    return {"results": _results(found.rows, query, deps), "metadata": {**_totals(found.rows), **shown}}


def _page(query: DailyQuery, deps: AdminDeps, offset: int, limit: int) -> Page:
    reports = deps.stores.reports
    if not query.excluded:
        return reports.page(query.sums, offset=offset, limit=limit)
    kept = [rollup for rollup in reports.page(query.sums, offset=0, limit=_ALL).rows if query.has(rollup)]
    return Page(kept[offset : offset + limit], len(kept))


def sums_of(rollup: Rollup) -> Sums:
    """LiteLLM's measures of a rollup."""
    asked = 0 if rollup.bucket.operation in NO_REQUESTS else rollup.calls
    failed = min(asked, rollup.failures)
    tokens = (rollup.input_tokens, rollup.output_tokens, rollup.cached_tokens, rollup.cache_write_tokens)
    return [rollup.spend, *tokens, rollup.input_tokens + rollup.output_tokens, asked - failed, failed, asked]


def added(sums: Iterable[Sums]) -> Sums:
    """The sum of several."""
    total = [0] * len(METRICS)
    for each in sums:
        total = [*map(add, total, each)]
    return total


def metrics(sums: Sequence[int]) -> dict[str, object]:
    """Sums under LiteLLM's names; `spend` in dollars, and exact in `spend_nano_usd`."""
    spend, *others = sums
    return {"spend": dollars(spend), "spend_nano_usd": spend, **dict(zip(METRICS[1:], others, strict=True))}


def _totals(rows: Iterable[Rollup]) -> dict[str, object]:
    found = metrics(added(map(sums_of, rows)))
    return {f"total_{name.removeprefix('total_')}": value for name, value in found.items()}


def _results(rows: Sequence[Rollup], query: DailyQuery, deps: AdminDeps) -> list[dict[str, object]]:
    days: dict[str, list[Rollup]] = defaultdict(list)
    for rollup in rows:
        days[rollup.bucket.day].append(rollup)
    keys = key_names(deps, {rollup.bucket.facts.key_id for rollup in rows})
    entities = team_names(deps) if query.entity is TEAMS else {}
    return [
        {
            "date": day,
            "metrics": metrics(added(map(sums_of, found))),
            "breakdown": _breakdown(found, query, keys, entities),
        }
        for day, found in days.items()
    ]


def _breakdown(
    rows: Sequence[Rollup],
    query: DailyQuery,
    keys: Mapping[str, Mapping[str, object]],
    entities: Mapping[str, Mapping[str, object]],
) -> dict[str, object]:
    """A day's sums by model, provider, call type, key and entity; by key within each."""
    parts: dict[tuple[str, str, str], list[Sums]] = defaultdict(list)
    for rollup in rows:
        measured, key = sums_of(rollup), rollup.bucket.facts.key_id
        for kind, name in zip(KINDS, _places(rollup, query), strict=True):
            if name:
                parts[kind, name, key].append(measured)
    found: dict[str, dict[str, dict[str, object]]] = {kind: {} for kind in ("mcp_servers", *KINDS)}
    wholes: dict[tuple[str, str], list[Sums]] = defaultdict(list)
    for (kind, name, key), each in parts.items():
        whole = added(each)
        wholes[kind, name].append(whole)
        place = found[kind].setdefault(name, {"metadata": keys.get(name, {}) if kind == "api_keys" else {}})
        if kind != "api_keys" and key:
            by_key = place.setdefault("api_key_breakdown", {})
            by_key[key] = {"metrics": metrics(whole), "metadata": keys.get(key, {})}  # type: ignore[index]
    for (kind, name), sums in wholes.items():
        found[kind][name]["metrics"] = metrics(added(sums))
    for name, place in found["entities"].items():
        place["metadata"] = entities.get(name, {})
    return dict(found)


def _places(rollup: Rollup, query: DailyQuery) -> tuple[str, ...]:
    bucket, facts = rollup.bucket, rollup.bucket.facts
    return (facts.model, facts.model, bucket.provider, bucket.operation, facts.key_id, query.entity.of(rollup))
