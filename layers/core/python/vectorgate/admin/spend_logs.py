"""`GET /spend/logs`: the ledger's rows under LiteLLM's names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import cursor_text, dollars
from vectorgate.admin.log_pages import LogPage, LogReader
from vectorgate.admin.log_query import log_query
from vectorgate.admin.pending_storage import PendingStorage
from vectorgate.admin.reply import Reply
from vectorgate.admin.reports.log_summary import summary
from vectorgate.clock import DAY_MS, MILLISECONDS
from vectorgate.ids import KeyId
from vectorgate.ledger.entry import unix_ms_of
from vectorgate.pricing.book import PENDING
from vectorgate.pricing.money import ZERO
from vectorgate.pricing.usage import tool_calls_of

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.log_query import LogQuery
    from vectorgate.api.http import Request
    from vectorgate.ids import OperationId
    from vectorgate.ledger.entry import LedgerEntry

HAS_MORE: Final = "x-vectorgate-has-more"
NEXT_CURSOR: Final = "x-vectorgate-next-cursor"


def logs(request: Request, deps: AdminDeps) -> Reply:
    """The rows that match the query, as LiteLLM's list, as a page, or summed up by day. InvalidRequest."""
    query = of_key(log_query(request.query, deps.clock.unix_ms()), deps)
    if query.summarized:
        return Reply(summary(query, deps), {})
    pending = PendingStorage(deps)
    page = LogReader(query, deps, pending).page() if query.request_id is None else one_row(query, deps, pending)
    cursor = cursor_text(page.next) if page.next is not None else None
    rows = [log_row(entry) for entry in page.rows]
    if query.paged:
        return Reply({"object": "list", "data": rows, "has_more": cursor is not None, "next_cursor": cursor}, {})
    more = {HAS_MORE: "true", NEXT_CURSOR: cursor} if cursor is not None else {HAS_MORE: "false"}
    return Reply(rows, more)


def of_key(query: LogQuery, deps: AdminDeps) -> LogQuery:
    """The query by the id of the key, which records hold, where it names a regenerated secret. Of a team, its rows."""
    if deps.actor.team_id is not None:
        teams = query.filters.get("team_id", frozenset({deps.actor.team_id})) & {deps.actor.team_id}
        query = replace(query, filters={**query.filters, "team_id": teams})
    named = query.filters.get("key_id", frozenset())
    rows = [deps.stores.keys.key(KeyId(each)) for each in named]
    ids = frozenset(row.id for row in rows if row is not None)
    return replace(query, filters={**query.filters, "key_id": named | ids}) if ids else query


def one_row(query: LogQuery, deps: AdminDeps, pending: PendingStorage) -> LogPage:
    """The row that the query names, if it matches the rest of the query; without dates it may be of any time."""
    if query.request_id is None:
        raise ValueError("the query names no row")
    entry = deps.stores.ledger.entry(query.request_id) or _pending_one(query.request_id, pending)
    if entry is None or not query.matches(entry) or not query.covers(entry):
        return LogPage([], None)
    return LogPage([entry], None)


def _pending_one(operation_id: OperationId, pending: PendingStorage) -> LedgerEntry | None:
    """The record of a store's day that is not over: its id holds the day's first millisecond."""
    if unix_ms_of(operation_id) % DAY_MS:
        return None
    return next((entry for entry in pending.records if entry.id == operation_id), None)


def log_row(entry: LedgerEntry) -> dict[str, object]:
    """One row. `spend` is in dollars, `spend_nano_usd` the exact amount. `status` is how the call ended for the client.

    A row that is not settled yet has the price id `vectorgate.pending`.
    """
    return {
        "request_id": entry.id,
        "call_type": entry.operation,
        **_charged_to(entry),
        **_called(entry),
        **_used(entry),
        **_ended(entry),
        **_cost(entry),
        **_took(entry),
    }


def _charged_to(entry: LedgerEntry) -> dict[str, object]:
    return {
        "api_key": entry.key_id,
        "key_alias": entry.key_alias,
        "team_id": entry.team_id,
        "user": entry.user_id,
        "end_user": entry.end_user,
        "request_tags": list(entry.tags),
    }


def _called(entry: LedgerEntry) -> dict[str, object]:
    """The provider, and the objects that the call named or made."""
    return {
        "custom_llm_provider": entry.provider,
        "vector_store_id": entry.vector_store_id,
        "file_id": entry.file_id,
        "batch_id": entry.batch_id,
        "upload_id": entry.upload_id,
        "part_id": entry.part_id,
        "response_id": entry.response_id,
    }


def _used(entry: LedgerEntry) -> dict[str, object]:
    """What a response used: its model, tokens and tools."""
    return {
        "model": entry.model,
        "asked_model": entry.asked_model,
        "service_tier": entry.service_tier,
        "input_tokens": entry.input_tokens,
        "cached_tokens": entry.cached_tokens,
        "cache_write_tokens": entry.cache_write_tokens,
        "output_tokens": entry.output_tokens,
        "reasoning_tokens": entry.reasoning_tokens,
        "tool_calls": tool_calls_of(entry.tool_calls),
        "tools_spend": dollars(entry.tools_spend) if entry.tools_spend is not None else None,
        "searched_stores": list(entry.searched_stores),
    }


def _ended(entry: LedgerEntry) -> dict[str, object]:
    return {
        "status": entry.outcome,
        "state": entry.state,
        "status_code": entry.status_code,
        "error_code": entry.error_code,
        "found_by": entry.found_by,
        "quarantined": list(entry.quarantined),
    }


def _cost(entry: LedgerEntry) -> dict[str, object]:
    spend = entry.spend if entry.spend is not None else ZERO
    return {
        "spend": dollars(spend),
        "spend_nano_usd": spend,
        "price_id": entry.price_id or PENDING,
        "byte_seconds": entry.byte_seconds,
        "corrects": entry.corrects,
    }


def _took(entry: LedgerEntry) -> dict[str, object]:
    """When the call was, how long it took, and the provider's id of it."""
    return {
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
