"""Ten thousand random histories of a store: a meter's byte-seconds against the exact integral."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from vectorgate.ids import ObjectId, ProviderName
from vectorgate.metering.model import DAY_S, Meter, first_sample, seconds_by_day

if TYPE_CHECKING:
    from collections.abc import Sequence

TRAJECTORIES = 10_000
HOUR = 3_600
OPENAI, STORE = ProviderName("openai"), ObjectId("vs_1")
MIDNIGHT = 20_516 * DAY_S


@dataclass(frozen=True)
class StoreHistory:
    """A store of sizes over time: `changes` are (second, size from there on), the last one its end (size 0)."""

    changes: Sequence[tuple[int, int]]

    def size_at(self, second: int) -> int:
        return next((size for at, size in reversed(self.changes) if at <= second), 0)

    def byte_seconds(self) -> int:
        """The truth."""
        return sum(size * (after - at) for (at, size), (after, _) in pairwise(self.changes))

    def variation(self) -> int:
        """The sum of the sizes of all changes, its beginning and end included."""
        sizes = [0, *(size for _, size in self.changes)]
        return sum(abs(after - before) for before, after in pairwise(sizes))


def histories(seed: int) -> list[StoreHistory]:
    dice = random.Random(seed)  # noqa: S311 - reproducible
    return [_life(dice) for _ in range(TRAJECTORIES // 10)]


def _life(dice: random.Random) -> StoreHistory:
    begin = MIDNIGHT + dice.randrange(DAY_S)
    changes = [(begin, dice.choice([0, 1, dice.randrange(1 << 40)]))]
    for _ in range(dice.randrange(12)):
        pause = dice.choice([0, 1, dice.randrange(1, 100), dice.randrange(1, 2 * DAY_S)])
        changes.append((changes[-1][0] + pause, dice.choice([0, dice.randrange(1 << 30), dice.randrange(1 << 45)])))
    return StoreHistory([*changes, (changes[-1][0] + dice.randrange(1, DAY_S), 0)])


def total(meter: Meter) -> int:
    return sum(meter.days.values())


@pytest.mark.parametrize("seed", range(10))
def test_a_sample_at_every_change_is_exact_to_the_byte_second(seed: int) -> None:
    for history in histories(seed):
        (begin, size), *changes, (end, _) = history.changes
        meter = first_sample(OPENAI, STORE, size, begin)
        for at, changed in changes:
            meter = meter.sampled(changed, at)
        meter = meter.stopped(end)
        assert total(meter) == history.byte_seconds()
        for day, byte_seconds in meter.days.items():
            assert byte_seconds == _of_day(history, day)


def _of_day(history: StoreHistory, day: int) -> int:
    """What of the truth falls on that day, taken by clipping each piece instead of walking through days."""
    first, last = day * DAY_S, (day + 1) * DAY_S
    pieces = ((max(at, first), min(after, last), size) for (at, size), (after, _) in pairwise(history.changes))
    return sum(size * max(0, after - at) for at, after, size in pieces)


@pytest.mark.parametrize(
    "seed", [*range(3), *(pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(3, 10))]
)
def test_hourly_samples_are_off_by_at_most_an_hour_times_the_variation(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - reproducible
    for history in histories(seed):
        begin, end = history.changes[0][0], history.changes[-1][0]
        ticks = range(begin - dice.randrange(HOUR), end + HOUR, HOUR)
        meter: Meter | None = None
        for at in ticks:
            if at >= end:
                meter = meter.stopped(at) if meter is not None else None
            elif at >= begin:
                size = history.size_at(at)
                meter = meter.sampled(size, at) if meter is not None else first_sample(OPENAI, STORE, size, at)
        assert abs((total(meter) if meter is not None else 0) - history.byte_seconds()) <= HOUR * history.variation()


@pytest.mark.parametrize("seed", range(3))
def test_ticks_that_come_twice_late_or_never_are_harmless(seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - reproducible
    for history in histories(seed)[:300]:
        (begin, size), *changes, (end, _) = history.changes
        meter = first_sample(OPENAI, STORE, size, begin)
        for at, changed in changes:
            meter = meter.sampled(changed, at)
            meter = meter.sampled(changed, at)
            meter = meter.sampled(dice.randrange(1 << 40), at - 1 - dice.randrange(HOUR))
            if meter.size == meter.sampled(meter.size, at + 1).size:
                meter = meter.sampled(changed, at)
        stopped = meter.stopped(end).stopped(end + HOUR).sampled(1, end + HOUR)
        assert total(stopped) == history.byte_seconds()
        assert stopped.stopped_at == end


def test_the_seconds_of_a_span_are_shared_among_its_days() -> None:
    assert list(seconds_by_day(MIDNIGHT - 10, MIDNIGHT + DAY_S + 5)) == [(20_515, 10), (20_516, DAY_S), (20_517, 5)]
    assert list(seconds_by_day(MIDNIGHT, MIDNIGHT)) == [(20_516, 0)]


def test_a_store_that_comes_back_is_not_charged_for_the_time_between() -> None:
    meter = first_sample(OPENAI, STORE, 10, MIDNIGHT).stopped(MIDNIGHT + 5).resumed(20, MIDNIGHT + 100)
    assert total(meter.sampled(0, MIDNIGHT + 101)) == 10 * 5 + 20


def test_a_meter_is_the_same_after_a_store_has_kept_it() -> None:
    meter = first_sample(OPENAI, STORE, 10, MIDNIGHT).sampled(1, MIDNIGHT + DAY_S)
    assert Meter.from_record(meter.to_record()) == meter
