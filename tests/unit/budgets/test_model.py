"""Periods, amounts and figures of budgets."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from tests.factories.ledger import answered, begun
from vectorgate.api.errors import InvalidRequest
from vectorgate.budgets.model import LIFETIME, Limit, balance_changes, budget_amount, is_duration, window_of
from vectorgate.gateway.recorder import invalid_figures
from vectorgate.ledger.entry import State
from vectorgate.pricing.book import PriceBook, shipped_prices
from vectorgate.pricing.money import NanoUSD


def at(text: str) -> int:
    """Return the Unix seconds of a time in UTC."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("duration", "since", "now", "period", "ends"),
    [
        ("1d", "2026-01-01T15:00", "2026-03-04T00:00:00", "2026-03-04", "2026-03-05"),
        ("1d", "2026-01-01T15:00", "2026-03-04T23:59:59", "2026-03-04", "2026-03-05"),
        ("30d", "2026-01-01T15:00", "2026-01-30T23:59:59", "2026-01-01", "2026-01-31"),
        ("30d", "2026-01-01T15:00", "2026-01-31T00:00:00", "2026-01-31", "2026-03-02"),
        ("1w", "2026-01-01T15:00", "2026-01-09T00:00:00", "2026-01-08", "2026-01-15"),
        ("1mo", "2026-01-31T15:00", "2026-02-28T12:00:00", "2026-02-01", "2026-03-01"),
        ("1mo", "2026-01-31T15:00", "2026-12-31T23:59:59", "2026-12-01", "2027-01-01"),
        ("3mo", "2026-01-31T15:00", "2026-05-05T00:00:00", "2026-04-01", "2026-07-01"),
    ],
)
def test_a_moment_belongs_to_one_window(duration: str, since: str, now: str, period: str, ends: str) -> None:
    window = window_of(Limit(since=at(since), duration=duration), at(now))
    assert (window.period, window.ends_at) == (period, at(ends))


def test_without_a_duration_there_is_one_window() -> None:
    assert window_of(Limit(since=0), 5).period == LIFETIME
    assert window_of(Limit(since=0), 5).ends_at is None


@pytest.mark.parametrize("text", ["", "0d", "1", "d", "1h", "1D", "-1d", "1.5d", "1d ", "12345d"])
def test_what_is_no_duration(text: str) -> None:
    assert not is_duration(text)
    with pytest.raises(ValueError, match="duration"):
        window_of(Limit(since=0, duration=text), 0)


@pytest.mark.parametrize(("usd", "nano"), [(0, 0), (1, 10**9), (0.1, 10**8), (1e-9, 1), (12.345678901, 12345678901)])
def test_dollars_are_taken_as_they_were_written(usd: float, nano: int) -> None:
    assert budget_amount("max_budget", usd) == nano


@pytest.mark.parametrize("usd", [-1, -1e-9, 1e-10, 1e300, float("nan"), float("inf"), 10**10])
def test_what_is_no_amount_is_refused(usd: float) -> None:
    with pytest.raises(InvalidRequest):
        budget_amount("max_budget", usd)


def test_an_attachment_may_cost_a_day_of_its_storage_rounded_up() -> None:
    book = PriceBook(shipped_prices())
    entry = begun()
    assert book.reservation_for(entry) == 0
    assert book.reservation_for(entry, 1 << 30) == 100_000_000
    assert book.reservation_for(entry, 1) == 1
    assert book.reservation_for(entry, (1 << 30) + 1) == 100_000_001


@pytest.mark.parametrize("figure", [-1, 1.5, "7", None, True, 10**30, [], float("inf")])
def test_a_figure_that_makes_no_sense_is_named(figure: object) -> None:
    assert invalid_figures({"bytes": figure, "usage_bytes": 5}) == ("bytes",)
    assert invalid_figures({"bytes": 0}) == invalid_figures({}) == ()


def test_rows_that_are_under_way_move_nothing() -> None:
    held = begun(budgets=("key/ever",), reserved=NanoUSD(5))
    assert balance_changes([held, answered(held), held.transition(State.UNCERTAIN)]) == []
    (change,) = balance_changes([held.transition(State.VOIDED)])
    assert (change.reserved, change.spent) == (-5, 0)
