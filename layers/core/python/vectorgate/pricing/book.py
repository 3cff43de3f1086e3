"""The price book: which entry is in force for an operation at a moment. An entry is never edited, only followed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING

from vectorgate.clock import MILLISECONDS
from vectorgate.money import NanoUSD, parse_usd

if TYPE_CHECKING:
    from collections.abc import Iterable

NOT_EXECUTED = "vectorgate.not-executed"
MOCK = "vectorgate.mock"


class MissingPrice(Exception):
    """The book has no entry: an operation without a price is a defect of the book, never a cost of zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One entry. `operations` are names or `prefix.*`; in force from `from_ms` (Unix milliseconds)."""

    id: str
    provider: str
    operations: tuple[str, ...]
    from_ms: int
    per_call: NanoUSD
    source: str

    def covers(self, provider: str, operation: str) -> bool:
        """Whether this entry speaks of that provider's operation."""
        return self.provider == provider and any(_matches(pattern, operation) for pattern in self.operations)


def _matches(pattern: str, operation: str) -> bool:
    return operation.startswith(pattern[:-1]) if pattern.endswith(".*") else pattern == operation


class PriceBook:
    """Prices by provider, operation and time."""

    def __init__(self, prices: Iterable[Price]) -> None:
        self._newest_first = sorted(prices, key=lambda price: -price.from_ms)
        self._by_id = {price.id: price for price in self._newest_first}
        if len(self._by_id) != len(self._newest_first):
            raise ValueError("two prices share an id")

    def price(self, provider: str, operation: str, at_ms: int) -> Price:
        """The entry in force at that moment. MissingPrice when there is none."""
        for price in self._newest_first:
            if price.from_ms <= at_ms and price.covers(provider, operation):
                return price
        raise MissingPrice(f"{provider} {operation} at {at_ms}")

    def named(self, price_id: str) -> Price:
        """The entry of that id. MissingPrice when there is none."""
        try:
            return self._by_id[price_id]
        except KeyError:
            raise MissingPrice(price_id) from None


def read_prices(text: str) -> list[Price]:
    """Entries from the JSON form of `prices.json`. ValueError or KeyError when one is not well formed."""
    return [
        Price(
            id=entry["id"],
            provider=entry["provider"],
            operations=tuple(entry["operations"]),
            from_ms=_midnight_ms(entry["from"]),
            per_call=parse_usd(entry["usd_per_call"]),
            source=entry["source"],
        )
        for entry in json.loads(text)
    ]


def _midnight_ms(day: str) -> int:
    return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * MILLISECONDS


def shipped_prices() -> list[Price]:
    """The entries of `prices.json`, which stands beside this file."""
    return read_prices(files("vectorgate.pricing").joinpath("prices.json").read_text("utf-8"))
