"""From byte-seconds to storage records. An account's day is rounded once, and divided among its stores exactly. Pure.

::

    whole  = sum of all stores' byte-seconds of the day
    free   = min(whole, free bytes x 86,400)                 an allowance of the account, not of a store
    amount = round((whole - free) x price of a GiB-day / (2^30 x 86,400))
    shares = amount in proportion to each store's byte-seconds (largest remainder)

So every store has its proportional share of the free allowance.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from vectorgate.clock import MILLISECONDS
from vectorgate.ids import OperationId, team_of
from vectorgate.ledger.entry import LedgerEntry, State, uuid7
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import GIB, STORAGE, MissingPrice
from vectorgate.pricing.money import NanoUSD, apportion, rounded_ratio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ids import ObjectId
    from vectorgate.metering.model import Meter
    from vectorgate.pricing.book import Price, PriceBook


def amount_of(byte_seconds: int, price: Price) -> NanoUSD:
    """The nano-dollars for an account's day of so many byte-seconds. MissingPrice for a price not of storage."""
    if price.per_gib_day is None:
        raise MissingPrice(f"{price.id} has no price of a GiB-day")
    charged = max(0, byte_seconds - price.free_bytes * DAY_S)
    return NanoUSD(rounded_ratio(charged * price.per_gib_day, GIB * DAY_S))


def storage_records(
    meters: Sequence[Meter], day: int, book: PriceBook, state: State = State.ANSWERED
) -> list[LedgerEntry]:
    """A record for each store of an account's day. `meters`: all of one provider. MissingPrice."""
    present = sorted((meter for meter in meters if day in meter.days), key=lambda meter: meter.id)
    if not present:
        return []
    price = book.price(present[0].provider, STORAGE, day * DAY_S * MILLISECONDS)
    shares = shares_of({meter.id: meter.days[day] for meter in present}, price)
    return [_record(meter, day, shares[meter.id], price, state) for meter in present]


def shares_of(stored: Mapping[ObjectId, int], price: Price) -> dict[ObjectId, NanoUSD]:
    """Each store's share of its account's day, from the byte-seconds of all its stores. MissingPrice."""
    ids = sorted(stored)
    weights = [stored[store_id] for store_id in ids]
    shares = apportion(amount_of(sum(weights), price), weights)
    return {store_id: NanoUSD(share) for store_id, share in zip(ids, shares, strict=True)}


def _record(meter: Meter, day: int, share: NanoUSD, price: Price, state: State) -> LedgerEntry:
    started_ms = day * DAY_S * MILLISECONDS
    tenant = meter.tenant
    return LedgerEntry(
        id=record_id(meter, day),
        operation=STORAGE,
        state=state,
        started_ms=started_ms,
        ended_ms=started_ms + DAY_S * MILLISECONDS,
        key_id=meter.key_id,
        tenant=tenant,
        team_id=team_of(tenant) if tenant is not None else None,
        end_user=meter.end_user,
        provider=meter.provider,
        vector_store_id=meter.id,
        status_code=200,
        byte_seconds=meter.days[day],
        spend=share,
        price_id=price.id,
    )


def record_id(meter: Meter, day: int) -> OperationId:
    """The id of a store's day. It follows from both, so that a second post of a record is AlreadyExists."""
    name = hashlib.sha256(f"{STORAGE}#{meter.provider}#{meter.id}#{day}".encode()).digest()
    return uuid7(day * DAY_S * MILLISECONDS, int.from_bytes(name, "big") & ((1 << 74) - 1))
