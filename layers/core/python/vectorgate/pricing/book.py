"""The price book: which entry is in force for an operation at a moment. An entry is never edited, only followed.

A deployment may have entries of its own (`VECTORGATE_PRICES`). From their day on they come before the shipped ones;
they cannot take a shipped entry's id, for rows that name that id were booked with it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Final, Protocol

from vectorgate.clock import MILLISECONDS
from vectorgate.pricing.money import ZERO, NanoUSD, parse_usd

if TYPE_CHECKING:
    from collections.abc import Iterable

NOT_EXECUTED = "vectorgate.not-executed"
MOCK = "vectorgate.mock"
PENDING = "vectorgate.pending"
REPLAYED = "vectorgate.replayed"
STORAGE = "storage"  # the operation of a storage record: a store's bytes over a UTC day
CORRECTION = "correction"  # the operation of a row that says what another row should have cost
EVERY = "*"  # the provider of entries that are about no provider
GIB = 1 << 30  # what the providers call a GB of vector storage

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_NAMED: Final = frozenset({"id", "provider", "operations", "from", "source"})
_PER_CALL: Final = frozenset({"usd_per_call"})
_PER_GIB_DAY: Final = frozenset({"usd_per_gib_day", "free_gib"})


class MissingPrice(Exception):
    """The book has no entry: an operation without a price is a defect of the book, never a cost of zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One entry. `operations` are names or `prefix.*`; in force from `from_ms` (Unix milliseconds).

    `per_gib_day` is set for storage alone, `free_bytes` what the account stores without charge beside.
    """

    id: str
    provider: str
    operations: tuple[str, ...]
    from_ms: int
    per_call: NanoUSD = ZERO
    per_gib_day: NanoUSD | None = None
    free_bytes: int = 0
    source: str

    def covers(self, provider: str, operation: str) -> bool:
        """Whether this entry speaks of that provider's operation."""
        return self.provider == provider and any(_matches(pattern, operation) for pattern in self.operations)


def _matches(pattern: str, operation: str) -> bool:
    return operation.startswith(pattern[:-1]) if pattern.endswith(".*") else pattern == operation


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount and the entry of the price book that says why it is that amount."""

    spend: NanoUSD
    price_id: str


class BillableCall(Protocol):
    """What a price depends on: a row of the ledger has it all."""

    @property
    def provider(self) -> str | None:
        """Who was asked."""
        ...

    @property
    def operation(self) -> str:
        """What was asked."""
        ...

    @property
    def started_ms(self) -> int:
        """When it began, Unix milliseconds."""
        ...

    @property
    def price_id(self) -> str | None:
        """The entry that it is charged by, where that is known already."""
        ...

    @property
    def spend(self) -> NanoUSD | None:
        """What it comes to, where that is known already."""
        ...


class PriceBook:
    """Prices by provider, operation and time. `own`: a deployment's entries, which come first from their day on."""

    def __init__(self, prices: Iterable[Price], own: Iterable[Price] = ()) -> None:
        self._in_order = [*_newest_first(own), *_newest_first(prices)]
        self._by_id = {price.id: price for price in self._in_order}
        self._by_operation: dict[tuple[str, str], list[Price]] = {}
        if len(self._by_id) != len(self._in_order):
            raise ValueError("two prices share an id: an entry is never edited, only followed by another")

    def price(self, provider: str, operation: str, at_ms: int) -> Price:
        """The entry in force at that moment. MissingPrice when there is none."""
        for price in self._covering(provider, operation):
            if price.from_ms <= at_ms:
                return price
        raise MissingPrice(f"{provider} {operation} at {at_ms}")

    def charge_for(self, call: BillableCall) -> Charge:
        """What a call costs, by the price in force when it began. MissingPrice when the book has none.

        One function, for the response's header and for the ledger. A call that names its price already keeps it (a
        mock answer); one that brings its amount, too (a day of storage, a correction), keeps that: it is a share of a
        sum that was rounded once.
        """
        if call.price_id is None:
            price = self.price(str(call.provider), call.operation, call.started_ms)
            return Charge(price.per_call, price.id)
        price = self.named(call.price_id)
        return Charge(call.spend if call.spend is not None else price.per_call, price.id)

    def reservation_for(self, call: BillableCall, stored_bytes: int = 0) -> NanoUSD:
        """The most that a call may cost: its own charge, and a day of what it stores, rounded up. MissingPrice."""
        charge = self.charge_for(call).spend
        if not stored_bytes:
            return charge
        per_gib_day = self.price(str(call.provider), STORAGE, call.started_ms).per_gib_day or ZERO
        return NanoUSD(charge - (-stored_bytes * per_gib_day // GIB))

    def _covering(self, provider: str, operation: str) -> list[Price]:
        """The entries for an operation, the newest first: looked up once, and kept."""
        covering = self._by_operation.get((provider, operation))
        if covering is None:
            covering = [price for price in self._in_order if price.covers(provider, operation)]
            self._by_operation[provider, operation] = covering
        return covering

    def providers_of(self, operation: str) -> list[str]:
        """Those that have a price for it, in order."""
        return sorted({price.provider for price in self._in_order if operation in price.operations})

    def is_general(self, price_id: str | None) -> bool:
        """Whether that entry is of no provider: what it says (answered by nobody, charged before) stays so."""
        price = self._by_id.get(price_id) if price_id is not None else None
        return price is not None and price.provider == EVERY

    def named(self, price_id: str) -> Price:
        """The entry of that id. MissingPrice when there is none."""
        try:
            return self._by_id[price_id]
        except KeyError:
            raise MissingPrice(price_id) from None


def _newest_first(prices: Iterable[Price]) -> list[Price]:
    """Of two entries for the same day the later one in the list comes first: it is there to set the other right."""
    return sorted(prices, key=lambda price: price.from_ms)[::-1]


def read_prices(text: str) -> list[Price]:
    """Entries from the JSON form of `prices.json`. ValueError that names the entry when one is not well formed."""
    entries = json.loads(text)
    if not isinstance(entries, list):
        raise ValueError("a price book is a JSON array of entries")  # noqa: TRY004 - of a text, not of an argument
    return [_read_entry(place, entry) for place, entry in enumerate(entries)]


def _read_entry(place: int, entry: object) -> Price:
    try:
        return _price(entry)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"entry {place} of the price book: {error!r}") from error


def _price(entry: Any) -> Price:  # noqa: ANN401 - any JSON
    given = set(entry)
    if given not in ({*_NAMED, *_PER_CALL}, {*_NAMED, *_PER_GIB_DAY}):
        raise ValueError(f"expected {sorted(_NAMED)} and either {sorted(_PER_CALL)} or {sorted(_PER_GIB_DAY)}")
    if not _ID.fullmatch(entry["id"]) or not str(entry["source"]).strip() or not entry["operations"]:
        raise ValueError("an entry has an id of up to 64 letters, digits, '.', '_' or '-', operations, and a source")
    stored = "usd_per_gib_day" in given
    if stored != (entry["operations"] == [STORAGE]):
        raise ValueError(f"{STORAGE!r}, and it alone, is charged a GiB-day")
    return Price(
        id=entry["id"],
        provider=str(entry["provider"]),
        operations=tuple(map(str, entry["operations"])),
        from_ms=_midnight_ms(entry["from"]),
        per_call=ZERO if stored else _charge(entry["usd_per_call"]),
        per_gib_day=_charge(entry["usd_per_gib_day"]) if stored else None,
        free_bytes=_whole(entry["free_gib"]) * GIB if stored else 0,
        source=entry["source"],
    )


def _charge(text: str) -> NanoUSD:
    amount = parse_usd(text)
    if amount < 0:
        raise ValueError(f"a price credits nobody: {text!r}")
    return amount


def _whole(text: str) -> int:
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII):
        raise ValueError(f"not a whole number of GiB: {text!r}")
    return int(text)


def _midnight_ms(day: str) -> int:
    return int(datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()) * MILLISECONDS


def shipped_prices() -> list[Price]:
    """The entries of `prices.json`, which stands beside this file."""
    return read_prices(files("vectorgate.pricing").joinpath("prices.json").read_text("utf-8"))
