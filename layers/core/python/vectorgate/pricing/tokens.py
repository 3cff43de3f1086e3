"""Prices of models by the token, and what a response costs by them. Pure.

An entry names its models, and holds for one service tier and from one size of input on: OpenAI charges more for inputs
beyond a limit. Amounts are nano-dollars for a million tokens, so that no price is rounded; a response's sum is rounded
once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from vectorgate.classes import dataclass
from vectorgate.pricing.money import ZERO, NanoUSD, parse_usd, rounded_ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MILLION: Final = 1_000_000
DEFAULT_TIER: Final = "default"
_DATE: Final = r"-20[0-9]{2}-[01][0-9]-[0-3][0-9]$"
_REQUIRED: Final = frozenset({"models", "usd_per_million_tokens"})
_OPTIONAL: Final = frozenset({"tier", "above_input_tokens", "up_to_input_tokens", "context_tokens"})
_RATES: Final = frozenset({"input", "cached_input", "cache_write", "output"})


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenPrice:
    """One entry: nano-dollars for a million tokens of each kind, in force from `from_ms` (Unix milliseconds).

    It holds for inputs of more than `above_input_tokens`, and up to `up_to_input_tokens`, beyond which the price is not
    known. `context_tokens`: the most that the model reads.
    """

    id: str
    provider: str
    models: tuple[str, ...]
    from_ms: int
    source: str
    tier: str = DEFAULT_TIER
    above_input_tokens: int = -1
    up_to_input_tokens: int | None = None
    context_tokens: int | None = None
    input: NanoUSD
    cached_input: NanoUSD
    cache_write: NanoUSD
    output: NanoUSD
    # What `book.Price` has: a call costs nothing beside its tokens, and nothing is stored.
    operations: tuple[str, ...] = ()
    per_call: NanoUSD = ZERO
    per_gib_day: NanoUSD | None = None
    free_bytes: int = 0

    def covers(self, provider: str, operation: str) -> bool:
        """Whether the price is for that operation of that provider: never, for it is a model's."""
        del provider, operation
        return False

    def cost(self, *, fresh: int, cached: int, cache_written: int, output: int) -> NanoUSD:
        """What these tokens cost, rounded once. `fresh`: input tokens neither read from a cache nor written to it."""
        total = fresh * self.input + cached * self.cached_input + cache_written * self.cache_write
        return NanoUSD(rounded_ratio(total + output * self.output, MILLION))

    def most(self, input_tokens: int, output_tokens: int) -> NanoUSD:
        """The most that so many tokens can cost, rounded up."""
        dearest = max(self.input, self.cached_input, self.cache_write)
        return NanoUSD(-(-(input_tokens * dearest + output_tokens * self.output) // MILLION))


def is_token_price(entry: Mapping[str, Any]) -> bool:
    """Whether an entry of a price list is one of these."""
    return "models" in entry


def token_price(entry: Mapping[str, Any], common: frozenset[str], from_ms: int) -> TokenPrice:
    """Read an entry that is_token_price. ValueError, KeyError or TypeError for a malformed one."""
    names = set(entry)
    if not _REQUIRED | common <= names or not names <= _REQUIRED | _OPTIONAL | common:
        raise ValueError(f"expected {sorted(common | _REQUIRED)} and at most {sorted(_OPTIONAL)}")
    rates = entry["usd_per_million_tokens"]
    if not {"input", "output"} <= set(rates) <= _RATES:
        raise ValueError(f"a price of tokens has 'input' and 'output', and at most {sorted(_RATES)}")
    input_rate = _rate(rates["input"])
    return TokenPrice(
        id=entry["id"],
        provider=str(entry["provider"]),
        models=tuple(map(str, entry["models"])),
        from_ms=from_ms,
        source=entry["source"],
        tier=str(entry.get("tier", DEFAULT_TIER)),
        above_input_tokens=_tokens(entry.get("above_input_tokens", -1)),
        up_to_input_tokens=_tokens(entry["up_to_input_tokens"]) if "up_to_input_tokens" in entry else None,
        context_tokens=_tokens(entry["context_tokens"]) if "context_tokens" in entry else None,
        input=input_rate,
        cached_input=_rate(rates["cached_input"]) if "cached_input" in rates else input_rate,
        cache_write=_rate(rates["cache_write"]) if "cache_write" in rates else input_rate,
        output=_rate(rates["output"]),
    )


def _rate(text: str) -> NanoUSD:
    rate = parse_usd(text)
    if rate < 0:
        raise ValueError(f"a price cannot be negative: {text!r}")
    return rate


def _tokens(figure: object) -> int:
    if not isinstance(figure, int) or isinstance(figure, bool) or figure < -1:
        raise ValueError(f"not a number of tokens: {figure!r}")
    return figure


def _undated(model: str) -> str:
    return re.sub(_DATE, "", model)


class TokenPrices:
    """The entries of a book by provider, model and tier, in order of precedence."""

    def __init__(self, by_precedence: Iterable[TokenPrice]) -> None:
        self._by_model: dict[tuple[str, str, str], list[TokenPrice]] = {}
        for price in by_precedence:
            for model in price.models:
                self._by_model.setdefault((price.provider, model, price.tier), []).append(price)

    def find(self, provider: str, model: str, tier: str, at_ms: int, input_tokens: int) -> TokenPrice | None:
        """The price in force at that moment for an input of that size; None without one.

        A dated snapshot without an entry of its own (`gpt-5-mini-2025-08-07`) has the price of its model.
        """
        for_size = self._by_size(provider, model, tier, at_ms)
        fitting = [above for above in for_size if input_tokens > above]
        found = for_size[max(fitting)] if fitting else None
        known = found is None or found.up_to_input_tokens is None or input_tokens <= found.up_to_input_tokens
        return found if known else None

    def nearest(self, provider: str, models: Iterable[str], at_ms: int) -> TokenPrice | None:
        """The standard tier's price of the first of these models that has one, for the largest inputs that have one."""
        for model in models:
            for_size = self._by_size(provider, model, DEFAULT_TIER, at_ms)
            if for_size:
                return for_size[max(for_size)]
        return None

    def limit(self, provider: str, models: Iterable[str], at_ms: int) -> int | None:
        """The largest input that `nearest` is for; None without a price, or a limit."""
        nearest = self.nearest(provider, models, at_ms)
        return nearest.up_to_input_tokens if nearest is not None else None

    def _by_size(self, provider: str, model: str, tier: str, at_ms: int) -> dict[int, TokenPrice]:
        """The prices in force, by the size of the input from which on they hold."""
        listed = self._by_model.get((provider, model, tier)) or self._by_model.get(
            (provider, _undated(model), tier), []
        )
        for_size: dict[int, TokenPrice] = {}
        for price in listed:
            if price.from_ms <= at_ms:
                for_size.setdefault(price.above_input_tokens, price)
        return for_size
