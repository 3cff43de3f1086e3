"""Rate limits, and the generic cell rate algorithm (GCRA) that keeps them. Pure.

A subject may use its whole limit at once, and gets it back evenly, one unit after each interval. All that is stored is
the theoretical arrival time (TAT): the moment at which the whole limit may be used again. With 60 a minute::

    TAT = max(TAT, now) + cost * 1 s          granted if the new TAT is at most 60 s ahead of now

In any span of w seconds so at most `limit + w / interval` units are granted. The clocks of two processes may differ by
d seconds: then it is d / interval more, and a time to wait is wrong by d at most. Times are integer nanoseconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from vectorgate.budgets.model import Subject

NANOSECONDS: Final = 1_000_000_000
MINUTE_NS: Final = 60 * NANOSECONDS
MAX_A_MINUTE: Final = 1_000_000_000  # of requests or tokens: an interval of 60 ns
MAX_PARALLEL: Final = 10_000  # requests at a time: their names are one item, of about 300 KB
# What is owed at most, so that a TAT fits into 64 bits: beyond that a response counts no more.
MAX_DEBT_NS: Final = 365 * 86_400 * NANOSECONDS


class RateUnit(StrEnum):
    """What is counted by the minute."""

    REQUESTS = "requests"
    TOKENS = "tokens"


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `limit` units a minute of a subject."""

    subject: Subject
    unit: RateUnit
    limit: int

    @property
    def row(self) -> str:
        """Names its TAT among its subject's. Tokens that are owed are owed to a limit: another one owes none.

        A response may owe what takes months to come back: a limit that is raised would not hold before.
        """
        return self.unit if self.unit is RateUnit.REQUESTS else f"{self.unit}/{self.limit}"

    @property
    def interval_ns(self) -> int:
        """The time after which one unit is back, rounded up."""
        return -(-MINUTE_NS // self.limit)

    @property
    def capacity_ns(self) -> int:
        """How far a TAT may be ahead: the time in which the whole limit is back."""
        return self.limit * self.interval_ns

    def left(self, tat_ns: int, now_ns: int) -> int:
        """The units that may be used now."""
        return max(0, self.capacity_ns - max(0, tat_ns - now_ns)) // self.interval_ns

    def wait_ns(self, tat_ns: int, now_ns: int) -> int:
        """The time until one unit may be used."""
        return max(0, tat_ns + self.interval_ns - self.capacity_ns - now_ns)


@dataclass(frozen=True, slots=True)
class RateClaim:
    """A request to use `cost` units of a rate at a moment, granted where there is one; a cost of 0 only asks.

    `known_ns`: a TAT that the row has had, or 0. The row's is that one or a later one, except for what was given back
    because another claim of the same request was refused.
    """

    rate: Rate
    now_ns: int
    known_ns: int = 0
    cost: int = 1

    @property
    def latest_ns(self) -> int:
        """The latest TAT of the row with which the claim is granted."""
        return self.now_ns + self.rate.capacity_ns - max(self.cost, 1) * self.rate.interval_ns

    @property
    def cost_ns(self) -> int:
        """What is added to the TAT."""
        return min(self.cost * self.rate.interval_ns, MAX_DEBT_NS)

    def next_tat(self, tat_ns: int) -> int:
        """The TAT after the claim was granted."""
        return max(tat_ns, self.now_ns) + self.cost_ns


@dataclass(frozen=True, slots=True)
class Parallel:
    """At most `limit` requests of a subject at a time."""

    subject: Subject
    limit: int


@dataclass(frozen=True, slots=True)
class Lease:
    """The place of one request among those of a subject at a time, named `name`.

    It ends when it is released, or at `until_s` (Unix seconds) where its process crashed. `now_s`: when it is claimed.
    """

    parallel: Parallel
    name: str
    now_s: int
    until_s: int


@dataclass(frozen=True, slots=True)
class Claims:
    """What one request claims, all or nothing. No two are of one subject and unit, nor of one subject."""

    rates: tuple[RateClaim, ...] = ()
    leases: tuple[Lease, ...] = ()

    def __len__(self) -> int:
        return len(self.rates) + len(self.leases)
