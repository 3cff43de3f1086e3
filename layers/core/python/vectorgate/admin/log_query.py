"""The query of `GET /spend/logs`: a range of time, filters, and the page."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import MAX_UNIX_MS, invalid, label_forms, moment_ms, read_cursor
from vectorgate.admin.keys import key_id_in
from vectorgate.admin.lists import flag
from vectorgate.api.errors import InvalidRequest
from vectorgate.api.operations import OPERATIONS
from vectorgate.classes import dataclass
from vectorgate.clock import DAY_MS
from vectorgate.ids import OperationId, is_object_id
from vectorgate.ledger.entry import OUTCOMES
from vectorgate.ledger.ports import MAX_SEARCH_MS
from vectorgate.pricing.book import CORRECTION, STORAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import Position

DEFAULT_DAYS: Final = 30
DEFAULT_LIMIT: Final = 100
MAX_LIMIT: Final = 1_000
# Each filter by the field of the row that it compares.
FILTERED: Final[Mapping[str, str]] = {
    "api_key": "key_id",
    "end_user": "end_user",
    "team_id": "team_id",
    "call_type": "operation",
    "vector_store_id": "vector_store_id",
    "status": "outcome",
    "user_id": "user_id",
    "key_alias": "key_alias",
    "model": "model",
    "error_code": "error_code",
}
PARAMETERS: Final = frozenset({*FILTERED, "request_id", "start_date", "end_date", "limit", "cursor", "summarize"})
_OPERATION_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogQuery:
    """Rows that began in [start_ms, end_ms), at most `limit`, whose fields have values that `filters` allow.

    `request_id`: that row alone; then a bound of the range counts only where the query named it. `after`: only rows
    that follow that position. `paged`: the answer is a page with a cursor instead of a list. `summarized`:
    sums by day instead of rows.
    """

    start_ms: int
    end_ms: int
    limit: int
    filters: Mapping[str, frozenset[str]]
    request_id: OperationId | None = None
    after: Position | None = None
    paged: bool = False
    summarized: bool = False

    def covers(self, entry: LedgerEntry) -> bool:
        """Whether a row began in the range."""
        return self.start_ms <= entry.started_ms < self.end_ms

    def matches(self, entry: LedgerEntry) -> bool:
        """Whether a row has values that all filters allow. A response is a row of every store that it searched."""
        return all(
            getattr(entry, name) in allowed
            or (name == "vector_store_id" and not allowed.isdisjoint(entry.searched_stores))
            for name, allowed in self.filters.items()
        )


def log_query(query: Mapping[str, str], now_ms: int) -> LogQuery:
    """Validate the parameters. InvalidRequest for an unknown or malformed one."""
    _refuse_unknown(query)
    start_ms, end_ms = _range(query, now_ms)
    request_id, cursor = query.get("request_id"), query.get("cursor")
    return LogQuery(
        start_ms=start_ms if request_id is None or "start_date" in query else 0,
        end_ms=end_ms if request_id is None or "end_date" in query else MAX_UNIX_MS,
        limit=_limit(query.get("limit")),
        filters={FILTERED[name]: _values(name, query[name]) for name in FILTERED if name in query},
        request_id=_request_id(request_id) if request_id is not None else None,
        after=read_cursor(cursor) if cursor else None,
        paged=cursor is not None,
        summarized=flag(query, "summarize"),
    )


def _refuse_unknown(query: Mapping[str, str]) -> None:
    """An unknown filter is an error: without it, rows would be shown that the caller meant to exclude."""
    unknown = sorted(query.keys() - PARAMETERS)
    if unknown:
        name, known = unknown[0][:64], ", ".join(sorted(PARAMETERS))
        raise InvalidRequest(f"Unknown filter '{name}': expected one of {known}.", code="unknown_parameter", param=name)


def _range(query: Mapping[str, str], now_ms: int) -> tuple[int, int]:
    end_ms = moment_ms("end_date", query["end_date"], end_of_day=True) if "end_date" in query else now_ms + 1
    default_start = end_ms - DEFAULT_DAYS * DAY_MS
    start_ms = moment_ms("start_date", query["start_date"]) if "start_date" in query else max(0, default_start)
    if not 0 <= end_ms - start_ms <= MAX_SEARCH_MS:
        raise invalid("start_date", "a date at most 366 days before the end date")
    return start_ms, end_ms


def _values(name: str, text: str) -> frozenset[str]:
    """The values that a filter allows, as rows hold them. InvalidRequest for one that no row can hold."""
    match name:
        case "api_key":
            return frozenset({key_id_in(text)})
        case "call_type" if text not in _call_types():
            raise invalid(
                name, f"'{STORAGE}', '{CORRECTION}' or the name of an operation, such as 'vector_stores.create'"
            )
        case "status" if text not in OUTCOMES:
            raise invalid(name, f"one of {', '.join(OUTCOMES)}")
        case "vector_store_id" if not is_object_id(text):
            raise invalid(name, "an id of a vector store")
        case "team_id" | "end_user" | "user_id" | "key_alias":
            return label_forms(name, text)
    return frozenset({text})


@cache
def _call_types() -> frozenset[str]:
    from vectorgate.azure_search.operations import INDEX_OPERATIONS  # noqa: PLC0415 - of this filter alone
    from vectorgate.gateway.context import UNROUTED  # noqa: PLC0415 - the same

    return frozenset({each.name for each in (*OPERATIONS, *INDEX_OPERATIONS)} | {STORAGE, CORRECTION, UNROUTED})


def _request_id(text: str) -> OperationId:
    if not _OPERATION_ID.fullmatch(text):
        raise invalid("request_id", "the x-litellm-call-id of an answer")
    return OperationId(text)


def _limit(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIMIT
    if not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) or not 1 <= int(text) <= MAX_LIMIT:
        raise invalid("limit", f"an integer from 1 to {MAX_LIMIT}")
    return int(text)
