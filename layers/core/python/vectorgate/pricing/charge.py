"""What a row costs, by the price in force when it began. One function, for the reply's header and for the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vectorgate.pricing.book import GIB, STORAGE
from vectorgate.pricing.money import ZERO, NanoUSD

if TYPE_CHECKING:
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.pricing.book import PriceBook


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount and the entry of the price book that says why it is that amount."""

    spend: NanoUSD
    price_id: str


def reservation_for(entry: LedgerEntry, book: PriceBook, stored_bytes: int = 0) -> NanoUSD:
    """The most that a call may cost: its own charge, and a day of what it stores. Rounded up. MissingPrice."""
    charge = charge_for(entry, book).spend
    if not stored_bytes:
        return charge
    per_gib_day = book.price(str(entry.provider), STORAGE, entry.started_ms).per_gib_day or ZERO
    return NanoUSD(charge - (-stored_bytes * per_gib_day // GIB))


def charge_for(entry: LedgerEntry, book: PriceBook) -> Charge:
    """The charge for one row. MissingPrice when the book has none.

    A row that names its price already keeps it (a mock answer); one that brings its amount, too (a day of storage, a
    correction), keeps that: it is a share of a sum that was rounded once.
    """
    if entry.price_id is None:
        price = book.price(str(entry.provider), entry.operation, entry.started_ms)
        return Charge(price.per_call, price.id)
    price = book.named(entry.price_id)
    return Charge(entry.spend if entry.spend is not None else price.per_call, price.id)
