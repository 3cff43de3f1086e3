"""`GET /v1/organization/usage/...`: OpenAI's reports of what is stored, searched and read."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.admin.pending_storage import PendingStorage
from vectorgate.admin.reports.bucket_sums import bucket_sums
from vectorgate.admin.reports.pages import USAGE, bucket_query, group_fields, page_of
from vectorgate.clock import MILLISECONDS
from vectorgate.ledger.rollups import SEARCH, Bucket, Facts, Rollup, Scope, day_numbered, day_of
from vectorgate.ledger.sums import Dimension
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import STORAGE
from vectorgate.pricing.money import rounded_ratio

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.reports.pages import BucketQuery
    from vectorgate.api.http import Request

_RESPONSES: Final = frozenset({"responses.create", "responses.compact"})
_SEARCHING: Final = _RESPONSES | {SEARCH}
_STORED_BY: Final = ("project_id",)
_SEARCHED_BY: Final = ("project_id", "user_id", "api_key_id", "vector_store_id")
_RUN_BY: Final = ("project_id", "user_id", "api_key_id", "model", "batch", "api_source")


def vector_stores(request: Request, deps: AdminDeps) -> dict[str, object]:
    """The bytes that stores held, on average over each UTC day; of today, so far. InvalidRequest.

    Storage is charged by day: the hours and minutes of a day have its average.
    """
    query = bucket_query(request, deps, groups=_STORED_BY, filters=("project_ids",), widths=USAGE)
    stored: Counter[tuple[str, str]] = Counter()
    charged = deps.stores.reports.sums(query.sums(operations=frozenset({STORAGE})))
    for rollup in (*charged, *_pending(query, deps)):
        stored[rollup.bucket.day, rollup.bucket.facts.tenant if query.groups else ""] += rollup.byte_seconds
    results: dict[str, list[Mapping[str, object]]] = {}
    for (day, tenant), byte_seconds in sorted(stored.items()):
        of_tenant = Rollup(Bucket(Scope.KEY, "", day, "", "", Facts(tenant=tenant)))
        size = {"usage_bytes": rounded_ratio(byte_seconds, _seconds_of(day, deps))}
        fields = {**size, **group_fields(query, of_tenant, _STORED_BY)}
        results.setdefault(day, []).append({"object": "organization.usage.vector_stores.result", **fields})
    buckets = range(query.first, query.end)
    return page_of(query, {query.name_of(bucket): results.get(query.day_of(bucket), []) for bucket in buckets})


def _pending(query: BucketQuery, deps: AdminDeps) -> Iterator[Rollup]:
    """What the meters hold of the page's days; they are read only if these may be there."""
    today = deps.clock.unix_s() // DAY_S * DAY_S
    if query.end * query.seconds < today - DAY_S:
        return
    allowed = query.sums().tenants
    own = deps.actor.team_id
    days = set(map(query.day_of, range(query.first, query.end)))
    records = [record for record in PendingStorage(deps).records if day_of(record.started_ms) in days]
    posted = deps.stores.ledger.entries([record.id for record in records if record.started_ms // MILLISECONDS < today])
    for record in records:
        day, tenant = day_of(record.started_ms), record.tenant or ""
        seen = (own is None or record.team_id == own) and (allowed is None or tenant in allowed)
        if seen and record.id not in posted:
            bucket = Bucket(Scope.KEY, "", day, "", STORAGE, Facts(tenant=tenant))
            yield Rollup(bucket, byte_seconds=record.byte_seconds or 0)


def _seconds_of(day: str, deps: AdminDeps) -> int:
    """The seconds of a day that have passed; of one that is over, all."""
    now = deps.clock.unix_s()
    return max(1, now % DAY_S) if day_numbered(now // DAY_S) == day else DAY_S


def file_search_calls(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Searches of vector stores, by themselves and in responses. InvalidRequest.

    The calls of a response that searched several stores are divided among them.
    """
    filters = ("project_ids", "user_ids", "api_key_ids", "vector_store_ids")
    query = bucket_query(request, deps, groups=_SEARCHED_BY, filters=filters, widths=USAGE)
    sums = query.sums()
    if "vector_store_id" in query.groups or "vector_store_ids" in query.filters:
        by_store = {Dimension.ID} if "vector_store_id" in query.groups else set()
        ids = query.filters.get("vector_store_ids")
        sums = replace(sums, scope=Scope.STORE, by=sums.by | by_store, ids=ids)
    found = [rollup for rollup in bucket_sums(query, sums, deps, _SEARCHING) if rollup.searches]
    return page_of(query, _by_name(query, found, _search_result))


def _search_result(query: BucketQuery, rollup: Rollup) -> dict[str, object]:
    fields = group_fields(query, rollup, _SEARCHED_BY)
    return {"object": "organization.usage.file_searches.result", "num_requests": rollup.searches, **fields}


def completions(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Tokens of responses. InvalidRequest."""
    filters = ("project_ids", "user_ids", "api_key_ids", "models", "batch")
    query = bucket_query(request, deps, groups=_RUN_BY, filters=filters, widths=USAGE)
    none = "true" in query.filters.get("batch", ())  # there are no batch jobs here
    found = [] if none else bucket_sums(query, query.sums(operations=_RESPONSES), deps, _RESPONSES)
    return page_of(query, _by_name(query, found, _tokens_result))


def _tokens_result(query: BucketQuery, rollup: Rollup) -> dict[str, object]:
    uncached = rollup.input_tokens - rollup.cached_tokens - rollup.cache_write_tokens
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": rollup.input_tokens,
        "output_tokens": rollup.output_tokens,
        "input_cached_tokens": rollup.cached_tokens,
        "input_cache_write_tokens": rollup.cache_write_tokens,
        "input_uncached_tokens": uncached,
        "input_audio_tokens": 0,
        "output_audio_tokens": 0,
        "num_model_requests": rollup.calls,
        "service_tier": None,
        **group_fields(query, rollup, _RUN_BY),
    }


def _by_name(
    query: BucketQuery, rollups: Iterable[Rollup], result: Callable[[BucketQuery, Rollup], Mapping[str, object]]
) -> dict[str, list[Mapping[str, object]]]:
    results: dict[str, list[Mapping[str, object]]] = {}
    for rollup in rollups:
        results.setdefault(rollup.bucket.day, []).append(result(query, rollup))
    return results
