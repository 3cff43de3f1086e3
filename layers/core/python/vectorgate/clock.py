"""Time and randomness as values that are passed in, so that a simulation can control both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

MILLISECONDS = 1_000
DAY_MS = 86_400_000  # of a day without leap seconds, as Unix time counts it
MICROSECONDS = 1_000_000


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment: `wall` and `monotonic` as the clock gave them."""

    wall: float
    monotonic: float


@dataclass(frozen=True, slots=True)
class Clock:
    """`wall` in seconds since 1970, `monotonic` in seconds since an arbitrary moment, `sleep` for so many seconds."""

    wall: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]

    def now(self) -> Moment:
        """The present, by both clocks."""
        return Moment(self.wall(), self.monotonic())

    def is_within(self, seconds: float, since: Moment) -> bool:
        """Whether fewer seconds have passed since then, by both clocks; False when one of them was set back.

        For what must end in time. The monotonic clock may stand still while Lambda freezes the process, and starts
        elsewhere where a snapshot of it is resumed.
        """
        return 0 <= self.monotonic() - since.monotonic < seconds and 0 <= self.wall() - since.wall < seconds

    def unix_ms(self) -> int:
        """Milliseconds since 1970."""
        return int(self.wall() * MILLISECONDS)

    def unix_s(self) -> int:
        """Seconds since 1970, as the API gives them."""
        return int(self.wall())


@dataclass(frozen=True, slots=True)
class Random:
    """`bits(n)`: an integer of n random bits, unpredictable in production."""

    bits: Callable[[int], int]

    def fraction(self) -> float:
        """Uniform in [0, 1): for jitter."""
        return float(self.bits(53)) / (1 << 53)
