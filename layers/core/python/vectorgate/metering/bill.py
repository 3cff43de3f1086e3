"""From byte-seconds to storage records. An account's day is rounded once, and divided among its stores exactly. Pure.

::

    whole  = sum of all stores' byte-seconds of the day
    free   = min(whole, free bytes x 86,400)                 an allowance of the account, not of a store
    amount = round((whole - free) x price of a GiB-day / (2^30 x 86,400))
    shares = amount in proportion to each store's byte-seconds (largest remainder)

So every store has its proportional share of the free allowance. A store that changed hands has a record for each owner.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeAlias

from vectorgate.clock import DAY_MS
from vectorgate.ids import OperationId, team_of
from vectorgate.ledger.entry import LedgerEntry, State, uuid7
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import GIB, STORAGE, Charge, MissingPrice
from vectorgate.pricing.money import NanoUSD, apportion, rounded_ratio

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ids import ObjectId
    from vectorgate.metering.model import Holding, Meter
    from vectorgate.pricing.book import Price, PriceBook

    Part: TypeAlias = tuple[ObjectId, OperationId]  # a store, and the record of one of its owners


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
    present = sorted((meter for meter in meters if day in meter.uncharged_days), key=lambda meter: meter.id)
    if not present:
        return []
    price = book.price(present[0].provider, STORAGE, day * DAY_MS)
    held = {
        (meter.id, record_id(meter, day, holding.segment)): (meter, holding)
        for meter in present
        for holding in meter.holdings_of(day)
    }
    weights = {part: holding.days[day] for part, (_, holding) in held.items()}
    charges = {part: Charge(share, price.id) for part, share in shares_of(weights, price).items()}
    return [_record(meter, holding, day, charges[part], state) for part, (meter, holding) in held.items()]


def shares_of(stored: Mapping[Part, int], price: Price) -> dict[Part, NanoUSD]:
    """The share of each store's record in its account's day, from the byte-seconds of all records. MissingPrice."""
    parts = sorted(stored)
    weights = [stored[part] for part in parts]
    shares = apportion(amount_of(sum(weights), price), weights)
    return {part: NanoUSD(share) for part, share in zip(parts, shares, strict=True)}


def _record(meter: Meter, holding: Holding, day: int, charge: Charge, state: State) -> LedgerEntry:
    started_ms = day * DAY_MS
    tenant = holding.tenant
    return LedgerEntry(
        id=record_id(meter, day, holding.segment),
        operation=STORAGE,
        state=state,
        started_ms=started_ms,
        ended_ms=started_ms + DAY_MS,
        key_id=holding.key_id,
        tenant=tenant,
        team_id=team_of(tenant) if tenant is not None else None,
        end_user=holding.end_user,
        provider=meter.provider,
        vector_store_id=meter.id,
        status_code=200,
        byte_seconds=holding.days[day],
        spend=charge.spend,
        price_id=charge.price_id,
    )


def record_id(meter: Meter, day: int, segment: int = 0) -> OperationId:
    """The id of an owner's part of a store's day. It follows from these: a second post of a record is AlreadyExists."""
    owner = f"#{segment}" if segment else ""
    name = hashlib.sha256(f"{STORAGE}#{meter.provider}#{meter.id}#{day}{owner}".encode()).digest()
    return uuid7(day * DAY_MS, int.from_bytes(name, "big") & ((1 << 74) - 1))
