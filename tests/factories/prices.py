"""Prices of a test, for operations that cost nothing today."""

from __future__ import annotations

from vectorgate.pricing.book import Price, PriceBook, shipped_prices
from vectorgate.pricing.money import NanoUSD

CREATE = 3_000_001  # nano-dollars a create: no round number
SEARCH = 500  # nano-dollars a search


def price(name: str, operation: str, nano: int) -> Price:
    """Return the price of a call of OpenAI's, in force since 1970."""
    return Price(
        id=name, provider="openai", operations=(operation,), from_ms=0, per_call=NanoUSD(nano), source="a test"
    )


def charging_book() -> PriceBook:
    """Return the shipped prices, preceded by prices of creates and searches."""
    own = [price("own.create", "vector_stores.create", CREATE), price("own.search", "vector_stores.search", SEARCH)]
    return PriceBook(shipped_prices(), own)
