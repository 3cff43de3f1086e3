"""Durations and their percentiles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


@dataclass(frozen=True, slots=True)
class Spread:
    """Percentiles, in milliseconds."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """Return the percentiles of durations in seconds."""
        ordered = sorted(seconds)
        at = (ordered[min(len(ordered) - 1, len(ordered) * share // 100)] * 1000 for share in (50, 95, 99))
        return cls(*at)

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f} ms, p95 {self.p95:.2f} ms, p99 {self.p99:.2f} ms"


def timed(act: Callable[[], object], clock: Callable[[], float], times: int) -> list[float]:
    """Return how many seconds each of `times` calls took."""
    durations = []
    for _ in range(times):
        began = clock()
        act()
        durations.append(clock() - began)
    return durations
