"""Each open row is found, at once and at any age, by indexes that lag: `LaggingTable` says how long."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.ledger import answered, begun, settled
from tests.fakes.lagging_table import LaggingTable
from tests.simulation.clients import FULL_METADATA
from tests.simulation.test_between_writes import RepeatedCreate
from vectorgate.clock import Clock
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.persistence.dynamodb.open_rows import UNRESOLVED, WAITING, OpenRows
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.simulation.indexes import IndexedLedger

T0 = 1_772_600_767.0
SECONDS = 15.0
MINUTE, HOUR, DAY = 60, 3_600, 86_400
ENOUGH = 10


@dataclass
class Meter:
    """A table, and the meter that ticks each minute. `lag`: of both indexes, for what is written from now on."""

    now: float = T0
    lag: float = 0.0
    spent: float = 0.0  # seconds that each look at the clock takes
    listed: int = 0
    table: LaggingTable = field(init=False)

    def __post_init__(self) -> None:
        clock = Clock(wall=lambda: self.now, monotonic=self._monotonic, sleep=self.skip)
        self.table = LaggingTable(clock, lambda: self.now, lambda: self.lag)
        self.found = OpenRows(self.table)  # type: ignore[arg-type]

    def _monotonic(self) -> float:
        self.now += self.spent
        return self.now

    def skip(self, seconds: float) -> None:
        """Advance without a tick."""
        self.now += seconds

    def tick(self, times: int = 1, *, every: float = MINUTE) -> None:
        """Tick so many times."""
        for _ in range(times):
            self.now += every
            self.listed += self.found.list_all(self.ms, SECONDS)

    @property
    def ms(self) -> int:
        return int(self.now * 1_000)

    def begin(self, number: int = 0, *, ago: float = 0, **fields: Any) -> LedgerEntry:
        """Begin a row."""
        row = begun(number, started_ms=self.ms - int(ago * 1_000), **fields)
        self.table.begin(row)
        return row

    def open(self, states: Collection[State] = UNRESOLVED, *, anew: bool = True) -> list[LedgerEntry]:
        """Return the oldest open rows as a process that starts now finds them."""
        rows = OpenRows(self.table) if anew else self.found  # type: ignore[arg-type]
        return rows.oldest(states, ENOUGH, before_ms=self.ms + DAY * 1_000, after=None)


def test_a_row_that_crashed_is_found_at_each_age_and_listed_once() -> None:
    meter = Meter()
    row = meter.begin()
    for _ in range(40):
        meter.tick()
        assert meter.open() == meter.open(anew=False) == [row]
    meter.tick(60, every=HOUR)
    assert meter.open() == [row]
    assert meter.listed == 1


def test_a_row_that_waits_for_settlement_is_found_at_each_age_and_no_more_once_it_is_settled() -> None:
    meter = Meter()
    row = meter.begin()
    for step in range(40):
        if step == 3:
            row = answered(row)
            meter.table.advance(row, State.STARTED)
        assert meter.open(WAITING if step >= 3 else UNRESOLVED) == [row]
        meter.tick(every=20)
    assert meter.table.is_listed(row)
    meter.table.advance(settled(row), State.ANSWERED)
    assert meter.open(WAITING) == meter.open(WAITING, anew=False) == []
    assert not meter.table.is_listed(row)


@pytest.mark.parametrize("minutes", [0, 1, 2, 5])
def test_a_row_is_found_at_any_age_that_was_answered_after_so_many_minutes_and_is_not_settled(minutes: int) -> None:
    meter = Meter()
    row = meter.begin()
    meter.tick(minutes)
    meter.table.advance(answered(row), State.STARTED)
    for _ in range(30):
        meter.tick()
        assert meter.open(WAITING) == [answered(row)]
    meter.tick(30, every=HOUR)
    assert meter.open(WAITING) == [answered(row)]


def test_what_ends_within_a_minute_is_never_listed_and_is_read_by_each_look_once() -> None:
    meter = Meter()
    meter.tick()
    rows = [meter.begin(number) for number in range(20)]
    for row in rows:
        meter.table.advance(answered(row), State.STARTED)
        meter.table.advance(settled(answered(row)), State.ANSWERED)
    for _ in range(26 * 60):
        meter.found = OpenRows(meter.table)  # type: ignore[arg-type]
        meter.tick()
    assert (meter.listed, meter.table.reads) == (0, 3 * 20)


def test_a_process_reads_a_final_row_once() -> None:
    meter = Meter()
    rows = [meter.begin(number).transition(State.VOIDED) for number in range(20)]
    for row in rows:
        meter.table.advance(row, State.STARTED)
    for _ in range(3):
        meter.tick()
        assert meter.open(anew=False) == []
    assert meter.table.reads == 20


@pytest.mark.parametrize("lag", [0, 20, 50, 59])
def test_a_row_is_found_by_each_tick_from_a_minute_on_while_the_indexes_lag_by_less(lag: float) -> None:
    meter = Meter(lag=lag)
    row = meter.begin()
    for _ in range(20):
        meter.tick()
        assert meter.open() == [row]


@pytest.mark.parametrize(("lag", "every"), [(10 * MINUTE, MINUTE), (20 * HOUR, HOUR), (23 * HOUR, HOUR / 2)])
def test_a_row_that_the_index_shows_minutes_or_hours_late_is_found(lag: float, every: float) -> None:
    meter = Meter()
    meter.tick()
    meter.lag = lag
    row = meter.begin()
    meter.lag = 0
    meter.tick(int(max(2 * lag, 30 * MINUTE) / every), every=every)
    assert meter.listed == 1
    assert meter.open() == [row]


def test_what_is_dated_back_is_found_at_once() -> None:
    meter = Meter()
    meter.tick(3)
    for ago in (40 * DAY, 2 * DAY, 45.0):
        row = meter.begin(int(ago), ago=ago)
        assert meter.table.is_listed(row)
        assert row in meter.open()


def test_what_is_dated_ahead_by_another_clock_is_found_before_and_after_its_time() -> None:
    meter = Meter()
    row = meter.begin(ago=-20 * MINUTE)
    for _ in range(25):
        assert meter.open() == [row]
        meter.tick()
    assert meter.table.is_listed(row)


def test_a_meter_that_stood_still_for_hours_looks_at_what_began_meanwhile() -> None:
    meter = Meter()
    meter.tick()
    meter.skip(HOUR)
    row = meter.begin()
    meter.skip(9 * HOUR)
    assert meter.open() == [row]
    meter.tick()
    assert meter.listed == 1


def test_a_meter_whose_clock_was_ahead_for_a_tick_passes_over_no_row() -> None:
    meter = Meter()
    meter.tick()
    meter.found.list_all(meter.ms + 10 * MINUTE * 1_000, SECONDS)
    row = meter.begin()
    assert meter.open() == [row]
    meter.tick(25)
    assert meter.open() == [row]


def test_a_look_that_takes_too_long_says_so_and_the_next_goes_on_where_it_stopped() -> None:
    meter = Meter()
    rows = []
    for number in range(250):
        meter.skip(0.001)
        rows.append(meter.begin(number))
    meter.skip(2 * MINUTE)
    meter.spent = SECONDS
    listed = []
    while not all(map(meter.table.is_listed, rows)):
        with pytest.raises(StoreUnavailable):
            meter.found.list_all(meter.ms, SECONDS)
        listed.append(sum(map(meter.table.is_listed, rows)))
    assert listed == [100, 199, 250]  # each goes on with the moment at which the one before stopped
    assert meter.table.refused == 2


def test_pages_of_open_rows_follow_each_other_through_both_indexes() -> None:
    meter = Meter()
    rows = []
    for number in range(12):
        rows.append(meter.begin(number))
        meter.tick(every=25)
    found: list[LedgerEntry] = []
    while page := OpenRows(meter.table).oldest(  # type: ignore[arg-type]
        UNRESOLVED, 5, before_ms=meter.ms + 1, after=(found[-1].started_ms, found[-1].id) if found else None
    ):
        found += page
    assert found == rows
    assert 0 < sum(map(meter.table.is_listed, rows)) < 12


@pytest.mark.parametrize("body", [{}, {"metadata": FULL_METADATA}], ids=["tagged", "untagged"])
def test_a_crashed_create_whose_index_entry_appears_late_is_still_resolved(body: dict[str, Any]) -> None:
    create = RepeatedCreate(1, **body)
    indexed: IndexedLedger = create.simulation.deployment.stores.ledger._store  # type: ignore[attr-defined]
    create.sweep()
    indexed.table._lag = lambda: 10.0 * MINUTE
    create.crash_before("own")
    assert create.send() is None
    indexed.table._lag = lambda: 0.0
    statement = "SELECT state FROM operations"
    create.sweep()
    assert create.simulation.database.rows(statement, ()) == [("started",)]
    create.simulation.environment.now += 20 * MINUTE
    create.sweep()
    assert create.simulation.database.rows(statement, ()) != [("started",)]
    create.send()
    create.check()
