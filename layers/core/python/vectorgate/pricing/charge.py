"""What a row costs, by the price in force when it began. One function, for the reply's header and for the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectorgate.ledger.model import Entry
    from vectorgate.money import NanoUSD
    from vectorgate.pricing.book import PriceBook


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount and the entry of the price book that says why it is that amount."""

    spend: NanoUSD
    price_id: str


def charge_for(entry: Entry, book: PriceBook) -> Charge:
    """The charge for one call. A row that names its price already (a mock answer) keeps it. MissingPrice otherwise."""
    if entry.price_id is not None:
        price = book.named(entry.price_id)
    else:
        price = book.price(str(entry.provider), entry.operation, entry.started_ms)
    return Charge(price.per_call, price.id)
