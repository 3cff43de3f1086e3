"""The usage record: the document that every destination gets of a settled row. Pure.

It has the fields below and no others, so that no content of a file, a query or a response can be in one. A field
without a value is left out. Later versions only add fields; VERSION changes when one is renamed or means another thing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.clock import MILLISECONDS
from vectorgate.ledger.entry import LedgerEntry, State, new_operation_id
from vectorgate.pricing.money import format_usd
from vectorgate.pricing.usage import tool_calls_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.clock import Clock, Random

Record: TypeAlias = "Mapping[str, object]"

VERSION: Final = 1
CHECK: Final = "health.services"  # the operation of a record that stands for no call
TEXTS: Final = (
    "key_id",
    "key_alias",
    "team_id",
    "user_id",
    "end_user",
    "provider",
    "vector_store_id",
    "file_id",
    "batch_id",
    "upload_id",
    "response_id",
    "error_code",
    "upstream_request_id",
    "price_id",
    "found_by",
    "corrects",
    "model",
    "service_tier",
)
FIGURES: Final = (
    "status_code",
    "upstream_us",
    "overhead_us",
    "byte_seconds",
    "input_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "output_tokens",
    "reasoning_tokens",
)
LISTS: Final = ("tags", "searched_stores", "quarantined", "budgets")


def is_record(document: Mapping[str, object]) -> bool:
    """Whether it has the fields that every record has. ValueError for a time that is none."""
    if not all(isinstance(document.get(name), str) for name in ("id", "operation", "started_at", "ended_at")):
        return False
    _ = [datetime.fromisoformat(str(document[name])) for name in ("started_at", "ended_at")]
    spend = document.get("spend_nano_usd")
    return isinstance(spend, int) and abs(spend) < 1 << 63 and "version" in document  # as the table has it


def record_of(entry: LedgerEntry) -> Record:
    """The record of a settled row. `spend_nano_usd` is exact; times are ISO 8601 in UTC, with milliseconds."""
    spend = entry.spend or 0
    document: dict[str, object] = {
        "version": VERSION,
        "id": entry.id,
        "operation": entry.operation,
        "outcome": entry.outcome,
        "started_at": _iso(entry.started_ms),
        "ended_at": _iso(entry.started_ms if entry.ended_ms is None else entry.ended_ms),
        "spend_nano_usd": spend,
        "spend_usd": format_usd(entry.spend) if entry.spend is not None else "0",
    }
    values = ((name, getattr(entry, name)) for name in (*TEXTS, *FIGURES))
    document |= {name: value for name, value in values if value is not None}
    document |= {name: list(values) for name in LISTS if (values := getattr(entry, name))}
    if entry.tool_calls:
        document["tool_calls"] = tool_calls_of(entry.tool_calls)
    return document


def check_record(clock: Clock, randomness: Random) -> Record:
    """A record that stands for no call: what `POST /health/services` delivers."""
    now = clock.unix_ms()
    entry = LedgerEntry(
        id=new_operation_id(clock, randomness),
        operation=CHECK,
        state=State.SETTLED,
        started_ms=now,
        ended_ms=now,
        status_code=200,
    )
    return record_of(entry)


def _iso(unix_ms: int) -> str:
    moment = datetime.fromtimestamp(unix_ms // MILLISECONDS, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{unix_ms % MILLISECONDS:03d}Z"
