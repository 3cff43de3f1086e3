"""Line items: what a sum was spent on, and how much of it was used."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from vectorgate.ledger.rollups import TOOLS
from vectorgate.pricing.book import GIB, STORAGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from vectorgate.ledger.rollups import Rollup

_HOUR_S: Final = 3_600
GIB_HOURS: Final = "gibibyte_hours"
TOKENS: Final = "tokens"


class LineItem(NamedTuple):
    """An amount in nano-dollars. `quantity` is in `unit`s: calls where that is None."""

    name: str
    amount: int
    quantity: int
    unit: str | None


def line_items(rollup: Rollup) -> Iterator[LineItem]:
    """The line items of a sum, by operation and model: its own, and one of the tools that it called.

    `storage`, `responses.tools`, `<model> tokens`, or the call type.
    """
    bucket = rollup.bucket
    own = rollup.spend - rollup.tools_spend
    if bucket.operation == STORAGE:
        yield LineItem(STORAGE, own, rollup.byte_seconds, GIB_HOURS)
    elif bucket.facts.model and rollup.input_tokens + rollup.output_tokens:
        yield LineItem(f"{bucket.facts.model} tokens", own, rollup.input_tokens + rollup.output_tokens, TOKENS)
    else:
        yield LineItem(bucket.operation, own, rollup.calls, None)
    if rollup.tool_calls or rollup.tools_spend:
        yield LineItem(TOOLS, rollup.tools_spend, rollup.tool_calls, None)


def charged(items: Iterable[LineItem]) -> Iterator[LineItem]:
    """Those that cost something, and storage, whose quantity counts if it is free, too."""
    return (item for item in items if item.amount or item.unit == GIB_HOURS)


def quantity_of(unit: str | None, quantity: int) -> float:
    """A quantity as reports show it; of storage, GiB-hours of byte-seconds."""
    return quantity / (GIB * _HOUR_S) if unit == GIB_HOURS else quantity
