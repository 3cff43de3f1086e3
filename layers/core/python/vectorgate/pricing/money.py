"""Money is an integer of nano-dollars (10^-9 USD). No float ever holds an amount.

A store's GiB-day at $0.10 is 100,000,000 nano-dollars; a byte-second of it about 1.08e-9, which is why storage is
summed in byte-seconds and becomes money once, at the end (`metering`).
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


def parse_usd(text: str) -> NanoUSD:
    """`"0.10"` (dollars, decimal notation) as nano-dollars.

    ValueError when it is not a finite decimal, or has more than nine decimal places: a price is never rounded.
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
    """Dollars in plain decimal notation without trailing zeros: `1` -> `"0.000000001"`, `0` -> `"0"`."""
    sign = "-" if amount < 0 else ""
    whole, fraction = divmod(abs(amount), NANO_PER_USD)
    decimals = f"{fraction:09d}".rstrip("0")
    return f"{sign}{whole}.{decimals}" if decimals else f"{sign}{whole}"


def rounded_ratio(numerator: int, denominator: int) -> int:
    """`numerator / denominator` to the nearest integer, half to even; the one rounding rule of this code base."""
    if denominator <= 0:
        raise ValueError("a ratio needs a positive denominator")
    quotient, remainder = divmod(numerator, denominator)
    twice = 2 * remainder
    if twice > denominator or (twice == denominator and quotient % 2 == 1):
        return quotient + 1
    return quotient


def share_out(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in proportion to `weights` (each >= 0), as integers that sum to `total` exactly.

    Largest remainder (Hamilton), ties to the earlier part. All weights 0: everything stays 0 unless `total` is too.
    """
    if any(weight < 0 for weight in weights):
        raise ValueError("a share cannot have a negative weight")
    whole = sum(weights)
    if whole == 0:
        if total:
            raise ValueError("nothing to share the total among")
        return [0] * len(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda part: (-(total * weights[part] % whole), part))
    for part in by_remainder[: total - sum(shares)]:
        shares[part] += 1
    return shares
