"""Money: integers, exact in both directions, and shares that sum to the whole."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorgate.pricing.money import NanoUSD, apportion, format_usd, parse_usd, rounded_ratio

AMOUNTS = st.integers(-(10**24), 10**24)
WEIGHTS = st.lists(st.integers(0, 10**18), min_size=1, max_size=20)


@given(AMOUNTS)
def test_what_is_printed_is_read_back(amount: int) -> None:
    assert parse_usd(format_usd(NanoUSD(amount))) == amount


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0"), (1, "0.000000001"), (-1, "-0.000000001"), (10**8, "0.1"), (25 * 10**8, "2.5"), (10**9, "1")],
)
def test_amounts_are_printed_plainly(amount: int, text: str) -> None:
    assert format_usd(NanoUSD(amount)) == text


@pytest.mark.parametrize("text", ["", "x", "NaN", "Infinity", "-inf", "0.0000000001", "1e-10", "1,5", "0x1"])
def test_what_is_no_exact_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_usd(text)


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**20))
def test_a_ratio_is_rounded_half_to_even_as_fractions_are(numerator: int, denominator: int) -> None:
    assert rounded_ratio(numerator, denominator) == round(Fraction(numerator, denominator))


@pytest.mark.parametrize("denominator", [0, -1])
def test_a_ratio_needs_a_positive_denominator(denominator: int) -> None:
    with pytest.raises(ValueError, match="positive"):
        rounded_ratio(1, denominator)


@given(AMOUNTS, WEIGHTS)
def test_shares_sum_to_the_whole_and_none_is_off_by_one(total: int, weights: list[int]) -> None:
    whole = sum(weights)
    if whole == 0:
        return
    shares = apportion(total, weights)
    assert sum(shares) == total
    assert all(abs(share - Fraction(total * weight, whole)) < 1 for share, weight in zip(shares, weights, strict=True))
    assert all(share == 0 for share, weight in zip(shares, weights, strict=True) if weight == 0)


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**6), min_size=2, max_size=8))
def test_who_weighs_more_never_gets_less(total: int, weights: list[int]) -> None:
    if not sum(weights):
        return
    shares = apportion(total, weights)
    ordered = sorted(zip(weights, shares, strict=True))
    assert all(light <= heavy for (lighter, light), (heavier, heavy) in pairwise(ordered) if lighter < heavier)


def test_nothing_is_shared_among_nobody() -> None:
    assert apportion(0, []) == []
    assert apportion(0, [0, 0]) == [0, 0]
    with pytest.raises(ValueError, match="nothing to share"):
        apportion(1, [0])
    with pytest.raises(ValueError, match="negative"):
        apportion(1, [-1, 2])
