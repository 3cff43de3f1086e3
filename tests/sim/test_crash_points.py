"""Every single and every double crash of one create, its booking included: none is left to chance."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest

from tests.sim.simulation import Result, Simulation
from tests.sim.world import SMOOTH


def _one_create(*crash_at: int) -> tuple[Result, int]:
    """A create that its client insists on and a look of the bookkeeper; the points passed and what came of it."""
    simulation = Simulation(1, odds=SMOOTH, crash_at=frozenset(crash_at))
    simulation.client.create()
    simulation.sweep()
    points = simulation.world.points
    return simulation.reckon(), points


def test_a_create_and_its_booking_pass_many_points() -> None:
    result, points = _one_create()
    assert result.differences == []
    # Key, begin, forward, conclude (a transaction) and settle (another): two points each and one a statement.
    assert points >= 5 * 2 + 2 + 2


def test_every_single_crash_of_a_create_leaves_the_books_right() -> None:
    _, points = _one_create()
    for point in range(1, points + 1):
        result, _ = _one_create(point)
        assert result.tally.crashes == 1
        assert result.differences == [], f"crash at {point}"


def test_every_double_crash_of_a_create_leaves_the_books_right() -> None:
    pairs = 0
    _, most = _one_create()
    for first in range(1, most + 1):
        for second in count(first + 1):
            result, _ = _one_create(first, second)
            assert result.differences == [], f"crashes at {first} and {second}"
            if result.tally.crashes < 2:
                break
            pairs += 1
    assert pairs > most


@pytest.mark.timeout(30)
def test_notifications_that_come_twice_are_dropped_without_any_crash_to_help() -> None:
    simulation = Simulation(3, odds=replace(SMOOTH, stream_again=0.5))
    while len(simulation.logical) < 300:
        simulation.step()
    while simulation.stream.rows:
        simulation._deliver()
    result = simulation.reckon()
    assert result.tally.duplicates > 50
    assert result.differences == []


def test_without_crashes_every_call_ends_its_own_row() -> None:
    simulation = Simulation(4, odds=replace(SMOOTH, upstream=1.0))
    while len(simulation.logical) < 300:
        simulation.client.act()
    assert simulation.database.rows("SELECT record FROM operations WHERE state = 'started'", ()) == []
    assert simulation.reckon().differences == []
