"""A price book in which nothing is free, because a sum of zeros would agree with anything.

Prices change while a seed runs. `charge` returns what a row has to cost without asking the code under test.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from tests.simulation.environment import T0
from tests.simulation.responses import CONTEXT, MODEL
from vectorgate.pricing.book import Price, PriceBook, shipped_prices
from vectorgate.pricing.money import NanoUSD
from vectorgate.pricing.tokens import TokenPrice

if TYPE_CHECKING:
    from collections.abc import Mapping

CREATE: Final = "vector_stores.create"
STORAGE: Final = "storage"
PER_GIB_DAY: Final = 10**12  # nano-dollars: so high that a megabyte-hour costs something
FREE_BYTES: Final = 1 << 20
CHANGES_MS: Final = int((T0 + 900) * 1000)  # a quarter of an hour in


def _price(price_id: str, operations: tuple[str, ...], from_ms: int, per_call: int) -> Price:
    return Price(
        id=price_id,
        provider="openai",
        operations=operations,
        from_ms=from_ms,
        per_call=NanoUSD(per_call),
        source="simulation",
    )


# Nano-dollars for a million tokens, and for a call of file_search.
INPUT, CACHED, OUTPUT, FILE_SEARCH = 10_000, 1_000, 100_000, 2
TOKENS: Final = "sim.tokens"
_REST: Final = ("vector_stores.*", "files.*")
BOOK: Final = PriceBook(
    [
        *(price for price in shipped_prices() if price.provider == "*"),
        _price("sim.rest", (*_REST[1:], *(f"vector_stores.{name}" for name in ("update", "delete", "retrieve"))), 0, 3),
        _price("sim.below", ("vector_stores.search", "vector_stores.files.*"), 0, 5),
        Price(
            id="sim.storage",
            provider="openai",
            operations=(STORAGE,),
            from_ms=0,
            per_gib_day=NanoUSD(PER_GIB_DAY),
            free_bytes=FREE_BYTES,
            source="simulation",
        ),
        _price("sim.create.1", (CREATE,), 0, 7),
        _price("sim.create.2", (CREATE,), CHANGES_MS, 11),
        _price("sim.responses", ("responses.*",), 0, 1),
        _price("sim.file-search", ("responses.file_search",), 0, FILE_SEARCH),
        TokenPrice(
            id=TOKENS,
            provider="openai",
            models=(MODEL,),
            from_ms=0,
            source="simulation",
            context_tokens=CONTEXT,
            input=NanoUSD(INPUT),
            cached_input=NanoUSD(CACHED),
            cache_write=NanoUSD(INPUT),
            output=NanoUSD(OUTPUT),
        ),
    ]
)
_BELOW: Final = ("vector_stores.search", "vector_stores.files.")


def charge(operation: str, started_ms: int) -> tuple[int, str]:
    """Return the nano-dollars that a settled row has to cost, and the id of the price."""
    if operation.startswith("responses."):
        return 1, "sim.responses"
    if operation == CREATE:
        return (11, "sim.create.2") if started_ms >= CHANGES_MS else (7, "sim.create.1")
    return (5, "sim.below") if operation.startswith(_BELOW) else (3, "sim.rest")


def usage_charge(row: Mapping[str, Any]) -> tuple[int, str]:
    """Return what a response of these figures has to cost, and the id of the price. One without usage is a call."""
    if not row.get("input_tokens"):
        return 1, "sim.responses"
    cached = row.get("cached_tokens", 0)
    exact = Fraction((row["input_tokens"] - cached) * INPUT + cached * CACHED + row["output_tokens"] * OUTPUT, 10**6)
    return round(exact) + tools_charge(row), TOKENS


def tools_charge(row: Mapping[str, Any]) -> int:
    """Return the part of it for calls of file_search."""
    calls = [each.partition("=")[2] for each in row.get("tool_calls", ())]
    return FILE_SEARCH * (sum(map(int, calls)) if calls else row.get("searches", 0))
