"""The orders of `GET /spend/logs/v2`, LiteLLM's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.admin.fields import invalid
from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vectorgate.ledger.entry import LedgerEntry

BY_TIME: Final = "startTime"


def _duration(entry: LedgerEntry) -> int | None:
    return entry.ended_ms - entry.started_ms if entry.ended_ms is not None else None


VALUES: Final[Mapping[str, Callable[[LedgerEntry], int | str | None]]] = {
    BY_TIME: lambda entry: entry.started_ms,
    "endTime": lambda entry: entry.ended_ms,
    "spend": lambda entry: entry.spend,
    "total_tokens": lambda entry: (entry.input_tokens or 0) + (entry.output_tokens or 0),
    "request_duration_ms": _duration,
    "model": lambda entry: entry.model,
}


@dataclass(frozen=True, slots=True)
class LogOrder:
    """By what rows are sorted, and in which direction."""

    name: str
    ascending: bool

    @property
    def is_the_logs(self) -> bool:
        """Whether rows are read in this order: the newest first."""
        return self.name == BY_TIME and not self.ascending

    def sorted(self, rows: Sequence[LedgerEntry]) -> list[LedgerEntry]:
        """The rows in this order; those without a value come last, and of the same value the newest first."""
        value = VALUES[self.name]
        known = [(found, row) for row in rows if (found := value(row)) is not None]
        known.sort(key=lambda pair: pair[0], reverse=not self.ascending)
        return [row for _, row in known] + [row for row in rows if value(row) is None]


def log_order(query: Mapping[str, str]) -> LogOrder:
    """`sort_by` and `sort_order`: by default the newest first. InvalidRequest."""
    name, direction = query.get("sort_by", BY_TIME), query.get("sort_order", "desc").lower()
    if name not in VALUES:
        raise invalid("sort_by", f"one of {', '.join(sorted(VALUES))}")
    if direction not in {"asc", "desc"}:
        raise invalid("sort_order", "'asc' or 'desc'")
    return LogOrder(name, direction == "asc")
