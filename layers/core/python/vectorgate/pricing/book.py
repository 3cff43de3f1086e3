"""The price book: find the price in force for an operation at a moment. A price is never edited, only superseded.

A deployment may have prices of its own (`VECTORGATE_PRICES`), which override the shipped ones from their day on. They
cannot reuse the id of a shipped price, because settled rows name the id that they were charged by.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, time
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.pricing.money import ZERO, NanoUSD, parse_usd
from vectorgate.pricing.tokens import DEFAULT_TIER, TokenPrice, TokenPrices, is_token_price, token_price
from vectorgate.pricing.usage import tool_calls_of, tool_calls_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from vectorgate.pricing.billable import BillableCall

NOT_EXECUTED = "vectorgate.not-executed"
MOCK = "vectorgate.mock"
PENDING = "vectorgate.pending"
REPLAYED = "vectorgate.replayed"
UNPRICED = "vectorgate.unpriced"
RESERVED = "vectorgate.reserved"  # of what has no price, where a budget counts: what was reserved for it
WITHOUT_PRICE = frozenset({UNPRICED, RESERVED})  # until the book has a price, and the row is repriced
STORAGE = "storage"  # the operation of a storage record: the bytes of a store over one UTC day
CORRECTION = "correction"  # the operation of a row that corrects the cost of another row
ANY_PROVIDER = "*"  # the provider of prices that apply whatever the provider
GIB = 1 << 30  # bytes; the providers call it a GB of vector storage

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
_COMMON: Final = frozenset({"id", "provider", "operations", "from", "source"})
_PER_CALL: Final = frozenset({"usd_per_call"})
_PER_GIB_DAY: Final = frozenset({"usd_per_gib_day", "free_gib"})


class MissingPrice(Exception):
    """The book has no price for an operation, which is a defect of the book and not a cost of zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """One entry of the book. `operations` are names or `prefix.*`; in force from `from_ms` (Unix milliseconds).

    `per_gib_day` is set for storage only; `free_bytes` is what an account stores without charge.
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
        """Whether the price is for that operation of that provider."""
        return self.provider == provider and any(_matches(pattern, operation) for pattern in self.operations)


AnyPrice: TypeAlias = Price | TokenPrice


def _matches(pattern: str, operation: str) -> bool:
    return operation.startswith(pattern[:-1]) if pattern.endswith(".*") else pattern == operation


@dataclass(frozen=True, slots=True)
class Charge:
    """An amount, and the id of the price that it was computed by. `tools`: its part for calls of tools."""

    spend: NanoUSD
    price_id: str
    tools: NanoUSD = ZERO


@dataclass(frozen=True, slots=True)
class Demand:
    """What a response may use at most: tokens, and calls of tools by the tool's name."""

    input_tokens: int
    output_tokens: int
    tool_calls: Mapping[str, int]

    def as_text(self) -> tuple[str, ...]:
        """The figures as a row of the ledger has them: `("input_tokens=900", "output_tokens=64", "file_search=4")`."""
        tokens = {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens}
        return tool_calls_text({**tokens, **self.tool_calls})


class PriceBook:
    """Prices by provider, operation and time. `own` are a deployment's prices, which override the others.

    `models` returns further ones, of models: it is called for the first response.
    """

    def __init__(
        self,
        prices: Iterable[AnyPrice],
        own: Iterable[AnyPrice] = (),
        models: Callable[[], Sequence[AnyPrice]] = tuple,
    ) -> None:
        by_precedence = [*_newest_first(own), *_newest_first(prices)]
        self._by_precedence = [price for price in by_precedence if isinstance(price, Price)]
        self._of_models = [price for price in by_precedence if isinstance(price, TokenPrice)]
        self._read_models = models
        self._by_id = {price.id: price for price in by_precedence}
        self._by_operation: dict[tuple[str, str], list[Price]] = {}
        if len(self._by_id) != len(by_precedence):
            raise ValueError("two prices share an id: a price is never edited, only superseded by another")

    @cached_property
    def _further(self) -> dict[str, AnyPrice]:
        return {price.id: price for price in _newest_first(self._read_models())}

    @cached_property
    def tokens(self) -> TokenPrices:
        """The prices of models."""
        further = [price for price in self._further.values() if isinstance(price, TokenPrice)]
        return TokenPrices([*self._of_models, *further])

    def has_prices_of(self, provider: str) -> bool:
        """Whether any price of a call or of storage is that provider's."""
        return any(price.provider == provider for price in self._by_precedence)

    def price(self, provider: str, operation: str, at_ms: int) -> Price:
        """The price in force at `at_ms` (Unix milliseconds). MissingPrice when there is none."""
        for price in self._covering(provider, operation):
            if price.from_ms <= at_ms:
                return price
        raise MissingPrice(f"{provider} {operation} at {at_ms}")

    def charge_for(self, call: BillableCall) -> Charge:
        """Charge a call by the price in force when it began. MissingPrice when the book has none.

        The response's header and the ledger both use this function. A call whose price is fixed keeps it (a mocked
        answer). One whose amount is fixed, too, keeps that (a day of storage, a correction): it is part of a sum that
        was rounded once.
        """
        if call.price_id is None:
            if call.input_tokens is not None:
                return self._charge_for_usage(call)
            if call.reserved and "usage" in call.quarantined:
                return self._charge_without_price(call)
            price = self.price(str(call.provider), call.operation, call.started_ms)
            return Charge(price.per_call, price.id)
        fixed = self.by_id(call.price_id)
        return Charge(call.spend if call.spend is not None else fixed.per_call, fixed.id)

    def _charge_for_usage(self, call: BillableCall) -> Charge:
        """Charge the tokens and tool calls of a response, or as `_charge_without_price` says."""
        try:
            price = self.token_price_of(call, call.input_tokens or 0)
            tools = self._tools_cost(str(call.provider), tool_calls_of(call.tool_calls), call.started_ms)
        except MissingPrice:
            return self._charge_without_price(call)
        return Charge(NanoUSD(_tokens_cost(price, call) + tools), price.id, tools)

    def _charge_without_price(self, call: BillableCall) -> Charge:
        """Charge what cannot be priced: nothing (UNPRICED), unless a budget counts.

        Then what was reserved (RESERVED), or the tokens at the model's standard price, if that is more.
        """
        if not call.reserved:
            return Charge(ZERO, UNPRICED)
        nearest = self.tokens.nearest(str(call.provider), _models_of(call), call.started_ms)
        tokens = _tokens_cost(nearest, call) if nearest is not None else ZERO
        return Charge(max(call.reserved, tokens), RESERVED)

    def token_price_of(self, call: BillableCall, input_tokens: int) -> TokenPrice:
        """The price of the model that answered, else of the one asked for, for such an input. MissingPrice."""
        tier = call.service_tier if call.service_tier not in {None, "auto"} else DEFAULT_TIER
        for model in _models_of(call):
            price = self.tokens.find(str(call.provider), model, str(tier), call.started_ms, input_tokens)
            if price is not None:
                return price
        raise MissingPrice(f"{call.provider} {call.model} in the tier {tier} at {call.started_ms}")

    def _tools_cost(self, provider: str, calls: Mapping[str, int], at_ms: int) -> NanoUSD:
        amounts = [count * self.price(provider, f"responses.{tool}", at_ms).per_call for tool, count in calls.items()]
        return NanoUSD(sum(amounts))

    def readable(self, call: BillableCall, demand: Demand) -> Demand:
        """The demand with no more input than the call's model reads, where the book knows it."""
        try:
            limit = self.token_price_of(call, 0).context_tokens
        except MissingPrice:
            return demand
        return demand if limit is None else replace(demand, input_tokens=min(demand.input_tokens, limit))

    def priced(self, call: BillableCall, demand: Demand) -> Demand:
        """The demand with no more input than the book has a price for."""
        limit = self.tokens.limit(str(call.provider), _models_of(call), call.started_ms)
        return demand if limit is None else replace(demand, input_tokens=min(demand.input_tokens, limit))

    def reservation_for_response(self, call: BillableCall, demand: Demand) -> NanoUSD:
        """The most that a `readable` demand may cost. MissingPrice for a model, an input or a tool without a price."""
        small, large = self.token_price_of(call, 0), self.token_price_of(call, demand.input_tokens)
        dearest = max(price.most(demand.input_tokens, demand.output_tokens) for price in (small, large))
        return NanoUSD(dearest + self._tools_cost(str(call.provider), demand.tool_calls, call.started_ms))

    def reservation_for(self, call: BillableCall, stored_bytes: int = 0) -> NanoUSD:
        """The most that a call may cost: its charge, and one day of what it stores, rounded up. MissingPrice."""
        charge = self.charge_for(call).spend
        if not stored_bytes:
            return charge
        per_gib_day = self.price(str(call.provider), STORAGE, call.started_ms).per_gib_day or ZERO
        return NanoUSD(charge - (-stored_bytes * per_gib_day // GIB))

    def _covering(self, provider: str, operation: str) -> list[Price]:
        """The prices for an operation in order of precedence; cached."""
        covering = self._by_operation.get((provider, operation))
        if covering is None:
            covering = [price for price in self._by_precedence if price.covers(provider, operation)]
            self._by_operation[provider, operation] = covering
        return covering

    def providers_of(self, operation: str) -> list[str]:
        """The names of the providers that have a price for an operation, sorted."""
        return sorted({price.provider for price in self._by_precedence if operation in price.operations})

    def is_provider_independent(self, price_id: str | None) -> bool:
        """Whether a price applies whatever the provider (not executed, replayed), so that no repricing changes it."""
        price = self._by_id.get(price_id) if price_id is not None else None
        return price is not None and price.provider == ANY_PROVIDER and price.id not in WITHOUT_PRICE

    def by_id(self, price_id: str) -> AnyPrice:
        """The price with that id. MissingPrice when there is none."""
        found = self._by_id.get(price_id) or self._further.get(price_id)
        if found is None:
            raise MissingPrice(price_id)
        return found


def _models_of(call: BillableCall) -> list[str]:
    return [model for model in (call.model, call.asked_model) if model is not None]


def _tokens_cost(price: TokenPrice, call: BillableCall) -> NanoUSD:
    cached, written = call.cached_tokens or 0, call.cache_write_tokens or 0
    fresh = (call.input_tokens or 0) - cached - written
    return price.cost(fresh=fresh, cached=cached, cache_written=written, output=call.output_tokens or 0)


def _newest_first(prices: Iterable[AnyPrice]) -> list[AnyPrice]:
    """Sort by day, newest first. Of two prices for one day the later in the list is first: it corrects the other."""
    return sorted(prices, key=lambda price: price.from_ms)[::-1]


def read_prices(text: str) -> list[AnyPrice]:
    """Read prices from JSON in the format of `prices.json`. ValueError that names the first malformed entry."""
    entries = json.loads(text)
    if not isinstance(entries, list):
        raise ValueError("a price book is a JSON array of entries")  # noqa: TRY004 - of the text, not of an argument
    return [_read_entry(index, entry) for index, entry in enumerate(entries)]


def _read_entry(index: int, entry: object) -> AnyPrice:
    try:
        return _price(entry)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"entry {index} of the price book: {error!r}") from error


def _price(entry: Any) -> AnyPrice:  # noqa: ANN401 - any JSON
    names = set(entry)
    if is_token_price(entry):
        _check_common({"operations": entry["models"], **entry})
        return token_price(entry, _COMMON - {"operations"}, _midnight_ms(entry["from"]))
    if names not in ({*_COMMON, *_PER_CALL}, {*_COMMON, *_PER_GIB_DAY}):
        raise ValueError(f"expected {sorted(_COMMON)} and either {sorted(_PER_CALL)} or {sorted(_PER_GIB_DAY)}")
    _check_common(entry)
    is_storage = "usd_per_gib_day" in names
    if is_storage != (entry["operations"] == [STORAGE]):
        raise ValueError(f"{STORAGE!r}, and only that, is charged by the GiB-day")
    return Price(
        id=entry["id"],
        provider=str(entry["provider"]),
        operations=tuple(map(str, entry["operations"])),
        from_ms=_midnight_ms(entry["from"]),
        per_call=ZERO if is_storage else _amount(entry["usd_per_call"]),
        per_gib_day=_amount(entry["usd_per_gib_day"]) if is_storage else None,
        free_bytes=_whole_number(entry["free_gib"]) * GIB if is_storage else 0,
        source=entry["source"],
    )


def _check_common(entry: Mapping[str, Any]) -> None:
    if not _ID.fullmatch(entry["id"]) or not str(entry["source"]).strip() or not entry["operations"]:
        raise ValueError(
            "an entry has an id of up to 64 letters, digits, '.', '_' or '-', operations or models, and a source"
        )


def _amount(text: str) -> NanoUSD:
    amount = parse_usd(text)
    if amount < 0:
        raise ValueError(f"a price cannot be negative: {text!r}")
    return amount


def _whole_number(text: str) -> int:
    if not isinstance(text, str) or not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII):
        raise ValueError(f"not a whole number of GiB: {text!r}")
    return int(text)


@lru_cache(maxsize=64)  # most entries begin on one of a few days
def _midnight_ms(day: str) -> int:
    try:
        moment = date.fromisoformat(day)
    except ValueError:  # a month or a day of one digit, which a price list may have; strptime takes 3 ms to import
        moment = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=UTC).date()
    return int(datetime.combine(moment, time(), UTC).timestamp()) * MILLISECONDS


def shipped_prices() -> list[AnyPrice]:
    """All prices of the release."""
    return [*prices_of_calls(), *prices_of_models()]


def prices_of_calls() -> list[AnyPrice]:
    """The prices in `prices.json`, beside this file."""
    return read_prices(Path(__file__).with_name("prices.json").read_text("utf-8"))


def prices_of_models() -> list[AnyPrice]:
    """The prices in `models.json`, beside this file."""
    return read_prices(Path(__file__).with_name("models.json").read_text("utf-8"))
