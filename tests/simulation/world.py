"""What a simulated process lives in: time, chance, and the points at which it may die, fail or be overtaken.

One `random.Random` owns every decision, so that a seed replays byte for byte. There are no threads: when two processes
overlap, the second one runs inside an effect of the first (`breathe`), which is where overlaps matter.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from vectorgate.clock import Clock, Random
from vectorgate.ledger.entry import State
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from vectorgate.ledger.entry import LedgerEntry

T0: Final = 1_772_600_767.0  # 2026-03-04 05:06:07 UTC
MAX_DEPTH: Final = 3  # processes inside an effect of another
MAX_SKEW: Final = 2.0  # seconds that a process' clock is off, either way


class SimulatedCrash(BaseException):
    """The process is gone. Not an Exception: nothing in the code under test may catch it and live on."""


@dataclass(slots=True)
class Tally:
    """What was done and what was done to it."""

    operations: int = 0
    seeds: int = 0
    crashes: int = 0
    duplicates: int = 0  # notifications that were delivered again
    lost: int = 0  # notifications that never came
    ambiguous: int = 0  # effects whose outcome their caller was not told, or told wrongly
    differences: int = 0

    def add(self, other: Tally) -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def __str__(self) -> str:
        return " ".join(f"{each.name}={getattr(self, each.name)}" for each in fields(self))


@dataclass(frozen=True, slots=True)
class Odds:
    """Probabilities. `crash` at each point, of which an effect has two and a transaction one for each statement."""

    crash: float = 0.002
    unavailable: float = 0.004  # a store's effect, and the same again for one whose answer is lost
    meanwhile: float = 0.01  # somebody else acts, before and after an effect
    upstream: float = 1.0  # times the rates in `upstream.FAULTS`
    stream_lost: float = 0.02
    stream_again: float = 0.03


SMOOTH: Final = Odds(0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def _nobody() -> None:
    """Nobody else is there."""


@dataclass
class World:
    """One seed's. `calm`: nothing goes wrong any more. `crash_at`: the numbers of the points that kill."""

    seed: int
    odds: Odds = field(default_factory=Odds)
    crash_at: frozenset[int] = frozenset()
    tally: Tally = field(default_factory=Tally)
    now: float = T0
    calm: bool = False
    points: int = 0
    meanwhile: Callable[[], None] = _nobody
    cut_at: float = float("inf")  # when the platform kills the process that is running
    _depth: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)  # noqa: S311 - reproducible is what it has to be

    def randomness(self, probability: float) -> bool:
        return self.dice.random() < probability

    def point(self) -> None:
        """Here a process may die."""
        if self.calm:
            return
        if self.now > self.cut_at:
            raise SimulatedCrash
        self.points += 1
        if self.points in self.crash_at or (self.odds.crash and self.dice.random() < self.odds.crash):
            self.tally.crashes += 1
            raise SimulatedCrash

    def breathe(self) -> None:
        """Here somebody else may act."""
        if self.calm or self._depth >= MAX_DEPTH or not self.randomness(self.odds.meanwhile):
            return
        self._depth += 1
        try:
            self.meanwhile()
        finally:
            self._depth -= 1

    def clock(self) -> Clock:
        """A process' own clock, off by up to MAX_SKEW."""
        skew = self.dice.uniform(-MAX_SKEW, MAX_SKEW)
        return Clock(wall=lambda: self.now + skew, monotonic=lambda: self.now, sleep=self._sleep)

    def chances(self) -> Random:
        return Random(self.dice.getrandbits)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        self.breathe()


class Perilous:
    """A store, each of whose calls may die, fail, succeed without saying so, or be overtaken.

    `note` is told of every call that took effect, before anything else can happen: the engine's own change stream.
    """

    def __init__(self, store: object, world: World, note: Callable[[str, Any], None] | None = None) -> None:
        self._store = store
        self._world = world
        self._note = note

    def __getattr__(self, name: str) -> Any:
        act, world, note = getattr(self._store, name), self._world, self._note

        def effect(*arguments: Any, **named: Any) -> Any:
            if world.calm:
                result = act(*arguments, **named)
                if note is not None:
                    note(name, arguments)
                return result
            world.breathe()
            world.point()
            if world.randomness(world.odds.unavailable):
                raise StoreUnavailable("simulated: nothing was written")
            result = act(*arguments, **named)
            if note is not None:
                note(name, arguments)
            world.point()
            world.breathe()
            if world.randomness(world.odds.unavailable):
                world.tally.ambiguous += 1
                raise StoreUnavailable("simulated: it was written, and the answer is lost")
            return result

        self.__dict__[name] = effect
        return effect


class PerilousConnection:
    """A SQLite connection on which a process may die between two statements of a transaction."""

    def __init__(self, connection: sqlite3.Connection, world: World) -> None:
        self._connection = connection
        self._world = world
        self.rollback = connection.rollback
        self.close = connection.close

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        before = self._connection.in_transaction
        cursor = self._connection.execute(*arguments)
        # Not at BEGIN: to die there is to die before it.
        if before and self._connection.in_transaction:
            self._world.point()
        return cursor

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        cursor = self._connection.executemany(*arguments)
        self._world.point()
        return cursor


class Stream:
    """The rows that wait to be booked as they were written, in order, until somebody delivers them.

    Of the others the mapping's filter in template.yaml lets none through.
    """

    def __init__(self) -> None:
        self.rows: list[LedgerEntry] = []

    def note(self, method: str, arguments: Any) -> None:
        if method in {"begin", "advance"} and arguments[0].state is State.ANSWERED:
            self.rows.append(arguments[0])


class Silent:
    """Telemetry that counts defects and nothing else."""

    def __init__(self) -> None:
        self.crashes: list[BaseException] = []

    def request_completed(self, entry: LedgerEntry) -> None:
        """Nothing."""

    def commit_failed(self, entry: LedgerEntry, error: Exception) -> None:
        """Nothing: faults are injected."""

    def settlement_failed(self, error: Exception, entry: LedgerEntry | None = None) -> None:
        """Nothing: faults are injected."""

    def task_failed(self, metric: str, error: Exception, entry: LedgerEntry | None = None) -> None:
        """Nothing: faults are injected."""

    def unexpected_error(self, error: BaseException) -> None:
        self.crashes.append(error)

    def count(self, name: str, value: int = 1) -> None:
        """Nothing."""

    def flush(self) -> None:
        """Nothing."""
