"""Price books in place of the shipped one. The one place in the tests that exchanges a book in what a builder made."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.metering.sampler import Sampler
    from vectorgate.pricing.book import PriceBook


def with_book(gateway: Gateway, book: PriceBook) -> Gateway:
    """Return the gateway with another price book."""
    budgets = replace(gateway.budgets, book=book)
    return replace(gateway, budgets=budgets, recorder=replace(gateway.recorder, budgets=budgets, book=book))


def sampler_with_book(sampler: Sampler, book: PriceBook) -> Sampler:
    """Return the sampler with another price book."""
    return replace(sampler, book=book)
