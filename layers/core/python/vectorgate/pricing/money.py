"""Money as an integer of nano-dollars (10^-9 USD); no float holds an amount.

A GiB-day at $0.10 is 100,000,000 nano-dollars, and a byte-second of it about 1.08e-9. Storage is therefore summed in
byte-seconds and converted to money once, at the end (`metering`).
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Sequence

NanoUSD = NewType("NanoUSD", int)

NANO_PER_USD = 1_000_000_000
ZERO = NanoUSD(0)


@lru_cache(maxsize=1024)  # the price list repeats a few
def parse_usd(text: str) -> NanoUSD:
    """Convert dollars in decimal notation, such as `"0.10"`, to nano-dollars.

    ValueError for what is not a finite decimal, or has more than nine decimal places: a price is never rounded.
    """
    try:
        amount = Decimal(text) * NANO_PER_USD
    except InvalidOperation as error:
        raise ValueError(f"not an amount of dollars: {text!r}") from error
    if not amount.is_finite() or amount != amount.to_integral_value():
        raise ValueError(f"not a whole number of nano-dollars: {text!r}")
    return NanoUSD(int(amount))


@lru_cache(maxsize=1024)
def format_usd(amount: NanoUSD) -> str:
    """Format nano-dollars as decimal dollars without trailing zeros: `1` -> `"0.000000001"`, `0` -> `"0"`."""
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), NANO_PER_USD)
    decimals = f"{fraction:09d}".rstrip("0")
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def rounded_ratio(numerator: int, denominator: int) -> int:
    """Round `numerator / denominator` to the nearest integer, half to even: the only rounding rule of the code base."""
    if denominator <= 0:
        raise ValueError("a ratio needs a positive denominator")
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient % 2 == 1):
        return quotient + 1
    return quotient


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """Divide `total` in proportion to `weights` (each >= 0) into integers that sum to `total` exactly.

    Largest remainder method (Hamilton); ties go to the earlier part. ValueError for a negative weight, and when all
    weights are 0 and `total` is not.
    """
    if any(weight < 0 for weight in weights):
        raise ValueError("negative weight")
    weight_sum = sum(weights)
    if weight_sum == 0:
        if total:
            raise ValueError("nothing to share the total among")
        return [0] * len(weights)
    parts = [total * weight // weight_sum for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda part: (-(total * weights[part] % weight_sum), part))
    for part in by_remainder[: total - sum(parts)]:
        parts[part] += 1
    return parts
