"""A gate whose price book charges for what costs nothing today."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vectorgate.ledger.stream import Bookkeeper
from vectorgate.money import NanoUSD
from vectorgate.pricing.book import Price, PriceBook, shipped_prices

if TYPE_CHECKING:
    from tests.support.gates import Gate

CREATE = 3_000_001  # nano-dollars a create: no round number
SEARCH = 500


def priced(gate: Gate) -> Gate:
    """The same gate under that book."""
    own = [price("own.create", "vector_stores.create", CREATE), price("own.search", "vector_stores.search", SEARCH)]
    book = PriceBook(shipped_prices(), own)
    treasury = replace(gate.gateway.treasury, book=book)
    gate.gateway = replace(gate.gateway, book=book, treasury=treasury)
    gate.bookkeeper = Bookkeeper(gate.stores.ledger, book, gate.notes)
    return gate


def price(name: str, operation: str, nano: int) -> Price:
    """One entry."""
    return Price(
        id=name, provider="openai", operations=(operation,), from_ms=0, per_call=NanoUSD(nano), source="a test"
    )
