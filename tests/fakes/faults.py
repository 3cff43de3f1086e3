"""Faults that a seed decides: crashes, stores that are unavailable, streams that break."""

from __future__ import annotations

import io
import random
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from vectorgate.clock import Clock, Random
from vectorgate.ingest.ports import SourceUnavailable
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCH: Final = 1_772_600_767.0  # 2026-03-04 05:06:07 UTC


class SimulatedCrash(BaseException):
    """The process ended. Not an `Exception`, so that the code under test cannot catch it and continue."""


class FaultyEnvironment:
    """Time and faults of one seed.

    `fault_rate` is the probability of a fault at each call of a provider, a bucket or a bus. `crash_at` counts the
    crash points down; the process ends at the one that finds 0.
    """

    def __init__(self, seed: int = 0, *, fault_rate: float = 0.0) -> None:
        self.rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
        self.fault_rate = fault_rate
        self.now = EPOCH
        self.crash_at: int | None = None
        self.clock = Clock(wall=lambda: self.now, monotonic=lambda: self.now, sleep=self._sleep)
        self.randomness = Random(self.rng.getrandbits)
        self.numbers = count()

    def _sleep(self, seconds: float) -> None:
        self.now += seconds

    def crash_point(self) -> None:
        """Raise SimulatedCrash if the process ends here."""
        if self.crash_at is not None:
            self.crash_at -= 1
            if self.crash_at < 0:
                self.crash_at = None
                raise SimulatedCrash

    def fails(self, share: float = 1.0) -> bool:
        """Whether a call fails now. `share`: which part of the fault rate it has."""
        return self.fault_rate > 0 and self.rng.random() < self.fault_rate * share


class FaultyPort:
    """A port of which each call may crash or find the store unavailable, before it takes effect and after."""

    def __init__(self, port: object, environment: FaultyEnvironment) -> None:
        self._port, self._environment = port, environment

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method, environment = getattr(self._port, name), self._environment

        def call(*arguments: Any, **named: Any) -> Any:
            environment.crash_point()
            if environment.fails(1 / 20):
                raise StoreUnavailable("simulated: nothing was written")
            result = method(*arguments, **named)
            environment.crash_point()
            if environment.fails(1 / 20):
                raise StoreUnavailable("simulated: it was written, and the answer is lost")
            return result

        return call


class InterruptedStream(io.BytesIO):
    """A stream that fails after the first half of its content."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell() * 2 >= len(self.getvalue()):
            raise SourceUnavailable("interrupted")
        return super().read(min(size or 1, max(1, len(self.getvalue()) // 2)))
