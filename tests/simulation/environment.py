"""The environment of simulated processes: time, randomness, and the points at which a process may crash or fail.

One `random.Random` makes every decision, so that a seed replays byte for byte. There are no threads: when two processes
overlap, the second one runs inside an effect of the first (`interleave`), which is where overlaps matter.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from tests.fakes.faults import SimulatedCrash
from vectorgate.clock import Clock, Random
from vectorgate.ledger.entry import State
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from vectorgate.ledger.entry import LedgerEntry

T0: Final = 1_772_600_767.0  # 2026-03-04 05:06:07 UTC
MAX_DEPTH: Final = 3  # processes inside an effect of another
MAX_SKEW: Final = 2.0  # seconds between a process's clock and its deployment's, either way
MAX_AHEAD: Final = 600.0  # seconds between a deployment's clock and the provider's, either way


@dataclass(slots=True)
class Tally:
    """Counts of what a seed did and of the faults that it met."""

    operations: int = 0
    seeds: int = 0
    crashes: int = 0
    duplicates: int = 0  # notifications that were delivered again
    lost: int = 0  # notifications that were never delivered
    ambiguous: int = 0  # effects whose caller got no outcome, or a wrong one
    conflicts: int = 0  # writes to DynamoDB that met another transaction
    differences: int = 0

    def add(self, other: Tally) -> None:
        for each in fields(self):
            setattr(self, each.name, getattr(self, each.name) + getattr(other, each.name))

    def __str__(self) -> str:
        return " ".join(f"{each.name}={getattr(self, each.name)}" for each in fields(self))


@dataclass(frozen=True, slots=True)
class FaultRates:
    """Probabilities. `crash` at each point, of which an effect has two and a transaction one for each statement."""

    crash: float = 0.002
    unavailable: float = 0.004  # a store's effect, and the same again for one whose answer is lost
    interleave: float = 0.01  # another process acts, before and after an effect
    provider: float = 1.0  # a factor of the rates in `provider.FAULTS`
    stream_lost: float = 0.02
    stream_again: float = 0.03
    index_late: float = 0.01  # an index of the table shows a write minutes later, or hours
    conflict: float = 0.02  # another transaction holds an item of a write to DynamoDB


NO_FAULTS: Final = FaultRates(0.0, 0.0, 0.0, 0.0, 0.0, 0.0, index_late=0.0, conflict=0.0)


def _nothing() -> None:
    """Do nothing: no other process exists."""


@dataclass
class SimulatedEnvironment:
    """Time and faults of one seed.

    `faultless`: faults have ended. `crash_at`: the numbers of the crash points at which a process crashes.
    `interleaved` has another process act. `killed_at`: when the platform kills the process that is running. `now`: the
    provider's clock; the deployment's is `ahead` of it. `crashed`: a process has crashed, and has no further effect.
    """

    seed: int
    rates: FaultRates = field(default_factory=FaultRates)
    crash_at: frozenset[int] = frozenset()
    tally: Tally = field(default_factory=Tally)
    now: float = T0
    faultless: bool = False
    crash_points: int = 0
    interleaved: Callable[[], None] = _nothing
    killed_at: float = float("inf")
    crashed: bool = False
    _depth: int = 0

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)  # noqa: S311 - reproducible, not secret
        self.ahead = self.rng.uniform(-MAX_AHEAD, MAX_AHEAD)

    def happens(self, probability: float) -> bool:
        return self.rng.random() < probability

    def crash_point(self) -> None:
        """Raise SimulatedCrash if the process crashes here, or has crashed: what ends a stream does not run then."""
        if self.faultless:
            return
        if self.crashed or self.now > self.killed_at:
            self.crashed = True
            raise SimulatedCrash
        self.crash_points += 1
        if self.crash_points in self.crash_at or (self.rates.crash and self.rng.random() < self.rates.crash):
            self.tally.crashes += 1
            self.crashed = True
            raise SimulatedCrash

    def interleave(self) -> None:
        """Perhaps have another process act here. SimulatedCrash if this one has crashed."""
        if self.crashed:
            raise SimulatedCrash
        if self.faultless or self._depth >= MAX_DEPTH or not self.happens(self.rates.interleave):
            return
        self._depth += 1
        try:
            self.interleaved()
        finally:
            self._depth -= 1

    def clock(self) -> Clock:
        """Return a process's own clock, which is up to MAX_SKEW from its deployment's."""
        skew = self.ahead + self.rng.uniform(-MAX_SKEW, MAX_SKEW)
        return Clock(wall=lambda: self.now + skew, monotonic=lambda: self.now, sleep=self._sleep)

    def randomness(self) -> Random:
        return Random(self.rng.getrandbits)

    def _sleep(self, seconds: float) -> None:
        self.now += seconds
        self.interleave()


class FaultyStore:
    """A store whose calls may crash, fail, succeed with the answer lost, or be interleaved with another process.

    `on_effect` is called after every call that took effect, before anything else can happen, as a change stream is.
    """

    def __init__(
        self, store: object, environment: SimulatedEnvironment, on_effect: Callable[[str, Any], None] | None = None
    ) -> None:
        self._store = store
        self._environment = environment
        self._on_effect = on_effect

    def __getattr__(self, name: str) -> Any:
        act, environment, on_effect = getattr(self._store, name), self._environment, self._on_effect

        def effect(*arguments: Any, **named: Any) -> Any:
            if environment.faultless:
                result = act(*arguments, **named)
                if on_effect is not None:
                    on_effect(name, arguments)
                return result
            environment.interleave()
            environment.crash_point()
            if environment.happens(environment.rates.unavailable):
                raise StoreUnavailable("simulated: nothing was written")
            result = act(*arguments, **named)
            if on_effect is not None:
                on_effect(name, arguments)
            environment.crash_point()
            environment.interleave()
            if environment.happens(environment.rates.unavailable):
                environment.tally.ambiguous += 1
                raise StoreUnavailable("simulated: it was written, and the answer is lost")
            return result

        self.__dict__[name] = effect
        return effect


class CrashingConnection:
    """A SQLite connection on which a process may crash between two statements of a transaction."""

    def __init__(self, connection: sqlite3.Connection, environment: SimulatedEnvironment) -> None:
        self._connection = connection
        self._environment = environment
        self.rollback = connection.rollback
        self.close = connection.close

    @property
    def in_transaction(self) -> bool:
        return self._connection.in_transaction

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        before = self._connection.in_transaction
        cursor = self._connection.execute(*arguments)
        # Not at BEGIN: a crash there is one before it.
        if before and self._connection.in_transaction:
            self._environment.crash_point()
        return cursor

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        cursor = self._connection.executemany(*arguments)
        self._environment.crash_point()
        return cursor


class ChangeStream:
    """The answered rows as they were written, in order, until they are delivered.

    The mapping's filter in template.yaml lets no other row through.
    """

    def __init__(self) -> None:
        self.rows: list[LedgerEntry] = []

    def record(self, method: str, arguments: Any) -> None:
        if method in {"begin", "advance"} and arguments[0].state is State.ANSWERED:
            self.rows.append(arguments[0])
