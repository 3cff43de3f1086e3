"""`GET /spend/logs`: the ledger's rows under LiteLLM's names."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import dollars, invalid, moment_ms, optional_label
from vectorgate.admin.keys import key_id_in
from vectorgate.api.errors import InvalidRequest
from vectorgate.clock import MILLISECONDS
from vectorgate.ids import OperationId, ProviderName
from vectorgate.ledger.entry import State, unix_ms_of
from vectorgate.ledger.ports import MAX_SEARCH_MS, RecordQuery
from vectorgate.metering.bill import storage_records
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import PENDING, STORAGE
from vectorgate.pricing.money import ZERO
from vectorgate.pricing.usage import tool_calls_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.ledger.entry import LedgerEntry

DEFAULT_DAYS: Final = 30
DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
FILTERS: Final = frozenset({"api_key", "end_user", "request_id", "start_date", "end_date", "limit", "summarize"})
_NOT_SUMMARIZED: Final = frozenset({"false", "0"})  # of `summarize`: rows instead of sums
_OPERATION_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_STATUS: Final = {
    State.STARTED: "pending",
    State.UNCERTAIN: "uncertain",
}


def logs(request: Request, deps: AdminDeps) -> list[dict[str, object]]:
    """The rows that match the query's filters, newest first. InvalidRequest for an unknown or malformed filter."""
    query = request.query
    _refuse_unknown(query)
    search = _search(query, deps.clock.unix_ms())
    if "request_id" in query:
        return [described(entry) for entry in _one(query["request_id"], deps) if _matches(entry, search, query)]
    stored = deps.stores.ledger.search(search)
    known = {entry.id for entry in stored}
    found = [*stored, *(entry for entry in accruing(search, deps) if entry.id not in known)]
    found.sort(key=lambda entry: (entry.started_ms, entry.id), reverse=True)
    return [described(entry) for entry in found[: search.limit]]


def _refuse_unknown(query: Mapping[str, str]) -> None:
    """An unknown filter is an error: ignored, it would show rows that the caller meant to exclude."""
    unknown = sorted(query.keys() - FILTERS)
    if unknown:
        name, known = unknown[0][:64], ", ".join(sorted(FILTERS))
        raise InvalidRequest(f"Unknown filter '{name}': expected one of {known}.", code="unknown_parameter", param=name)
    if query.get("summarize", "false").lower() not in _NOT_SUMMARIZED:
        raise invalid("summarize", "'false': this log is of rows, and adds nothing up")


def accruing(search: RecordQuery, deps: AdminDeps) -> list[LedgerEntry]:
    """Storage that is metered and not charged yet, as the records that would be posted if the day were over."""
    found: list[LedgerEntry] = []
    now = deps.clock.unix_s()
    for provider in deps.book.providers_of(STORAGE):
        meters = [meter.sampled(meter.size, now) for meter in deps.stores.meters.meters(ProviderName(provider))]
        for day in sorted({day for meter in meters for day in meter.days}):
            if search.start_ms <= day * DAY_S * MILLISECONDS < search.end_ms:
                found += storage_records(meters, day, deps.book, State.STARTED)
    return [entry for entry in found if _matches_owner(entry, search)]


def _matches_owner(entry: LedgerEntry, search: RecordQuery) -> bool:
    return search.key_id in {None, entry.key_id} and search.end_user in {None, entry.end_user}


def _one(request_id: str, deps: AdminDeps) -> list[LedgerEntry]:
    if not _OPERATION_ID.fullmatch(request_id):
        raise invalid("request_id", "the x-litellm-call-id of an answer")
    operation_id = OperationId(request_id)
    entry = deps.stores.ledger.entry(operation_id)
    return [entry] if entry is not None else _accruing_one(operation_id, deps)


def _accruing_one(operation_id: OperationId, deps: AdminDeps) -> list[LedgerEntry]:
    """The record of a store's day that is not over: its id holds the day's first millisecond."""
    midnight = unix_ms_of(operation_id)
    if midnight % (DAY_S * MILLISECONDS):
        return []
    day = RecordQuery(start_ms=midnight, end_ms=midnight + 1, limit=1)
    return [entry for entry in accruing(day, deps) if entry.id == operation_id]


def _matches(entry: LedgerEntry, search: RecordQuery, query: Mapping[str, str]) -> bool:
    """Whether a row that was found by its id matches the other filters, too; without dates it may be of any time."""
    began = "start_date" not in query or entry.started_ms >= search.start_ms
    ended = "end_date" not in query or entry.started_ms < search.end_ms
    return began and ended and _matches_owner(entry, search)


def _search(query: Mapping[str, str], now_ms: int) -> RecordQuery:
    end_ms = moment_ms("end_date", query["end_date"], end_of_day=True) if "end_date" in query else now_ms + 1
    default_start = end_ms - DEFAULT_DAYS * 86_400 * MILLISECONDS
    start_ms = moment_ms("start_date", query["start_date"]) if "start_date" in query else max(0, default_start)
    if not 0 <= end_ms - start_ms <= MAX_SEARCH_MS:
        raise invalid("start_date", "a date at most 366 days before the end date")
    return RecordQuery(
        start_ms=start_ms,
        end_ms=end_ms,
        limit=_limit(query.get("limit")),
        key_id=key_id_in(query["api_key"]) if "api_key" in query else None,
        end_user=optional_label("end_user", query.get("end_user")),
    )


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) or not 1 <= int(text) <= MAX_LIMIT:
        raise invalid("limit", f"an integer from 1 to {MAX_LIMIT}")
    return int(text)


def described(entry: LedgerEntry) -> dict[str, object]:
    """One row. `spend` is in dollars, `spend_nano_usd` the exact amount. `status` is how the call ended for the client.

    A row that is not settled yet has the price id `vectorgate.pending`.
    """
    spend = entry.spend if entry.spend is not None else ZERO
    return {
        "request_id": entry.id,
        "call_type": entry.operation,
        "api_key": entry.key_id,
        "key_alias": entry.key_alias,
        "team_id": entry.team_id,
        "user": entry.user_id,
        "end_user": entry.end_user,
        "request_tags": list(entry.tags),
        "custom_llm_provider": entry.provider,
        "vector_store_id": entry.vector_store_id,
        "file_id": entry.file_id,
        "batch_id": entry.batch_id,
        "upload_id": entry.upload_id,
        "part_id": entry.part_id,
        "response_id": entry.response_id,
        "model": entry.model,
        "service_tier": entry.service_tier,
        "input_tokens": entry.input_tokens,
        "cached_tokens": entry.cached_tokens,
        "cache_write_tokens": entry.cache_write_tokens,
        "output_tokens": entry.output_tokens,
        "reasoning_tokens": entry.reasoning_tokens,
        "tool_calls": tool_calls_of(entry.tool_calls),
        "tools_spend": dollars(entry.tools_spend) if entry.tools_spend is not None else None,
        "searched_stores": list(entry.searched_stores),
        "status": _STATUS.get(entry.state, "success" if entry.succeeded else "failure"),
        "state": entry.state,
        "status_code": entry.status_code,
        "error_code": entry.error_code,
        "found_by": entry.found_by,
        "quarantined": list(entry.quarantined),
        "spend": dollars(spend),
        "spend_nano_usd": spend,
        "price_id": entry.price_id or PENDING,
        "byte_seconds": entry.byte_seconds,
        "corrects": entry.corrects,
        "startTime": _iso(entry.started_ms),
        "endTime": _iso(entry.ended_ms),
        "upstream_ms": _milliseconds(entry.upstream_us),
        "overhead_ms": _milliseconds(entry.overhead_us),
        "upstream_request_id": entry.upstream_request_id,
    }


def _iso(unix_ms: int | None) -> str | None:
    return datetime.fromtimestamp(unix_ms / MILLISECONDS, UTC).isoformat(timespec="milliseconds") if unix_ms else None


def _milliseconds(microseconds: int | None) -> float | None:
    return microseconds / 1000 if microseconds is not None else None
