"""What of a provider's figure our records lack, and which days can be compared."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from vectorgate.pricing.money import NanoUSD
from vectorgate.provider_bill.model import MAX_MISSING, MILLION, Compared, Cost, Day, Line, OurDay, ProviderDay, Status

LINES = {
    ("vector store storage", "gibibyte_hours"): Line.STORAGE,
    ("File Search | storage", None): Line.STORAGE,
    ("file search tool calls", None): Line.FILE_SEARCH,
    ("gpt-6-astra, input_tokens", "tokens"): Line.TOKENS,
    ("gpt-6-astra, file search input", "1000_tokens"): Line.TOKENS,
    ("dall-e", "images"): Line.OTHER,
    ("web search tool calls", None): Line.OTHER,
}


def test_a_line_item_is_known_by_its_unit_or_by_its_words() -> None:
    assert {name: Cost(*name, NanoUSD(1)).line for name in LINES} == LINES


@settings(max_examples=100)
@given(st.integers(0, 1 << 60), st.integers(0, 1 << 60))
def test_a_share_is_never_shown_as_more_than_it_is(provider: int, ours: int) -> None:
    missing = Compared(provider, ours).missing
    assert 0 <= missing <= MILLION
    assert missing * provider >= (provider - ours) * MILLION
    assert (missing == 0) == (ours >= provider)


def test_the_threshold_is_exactly_a_thousandth() -> None:
    assert [Compared(1_000_000, ours).missing > MAX_MISSING for ours in (999_000, 998_999)] == [False, True]


def test_a_day_is_compared_when_both_sides_are_there() -> None:
    ours, reported = OurDay(byte_seconds=86_400), ProviderDay(stored=1)
    expected = [
        (Day("2026-03-04", reported, ours, closed=True), Status.COMPARED),
        (Day("2026-03-04", ProviderDay(), OurDay(), closed=True), Status.COMPARED),
        (Day("2026-03-04", ProviderDay(), ours, closed=True), Status.NOT_REPORTED),
        (Day("2026-03-04", reported, ours, closed=False), Status.NOT_CLOSED),
        (Day("2026-03-04", reported, OurDay(has_bytes=False), closed=True), Status.NOT_KEPT),
    ]
    for day, status in expected:
        assert (day.status, day.missing) == (status, 0)
    assert Day("2026-03-04", ProviderDay(stored=1), OurDay(), closed=True).missing == MILLION
