"""A clock that a test can advance."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from vectorgate.clock import Clock

EPOCH = 1_772_600_767.0  # 2026-03-04 05:06:07 UTC


@dataclass
class FakeClock:
    """A clock that runs at real speed, because sockets do. Sleeping advances it at once and is recorded in `slept`."""

    slept: list[float] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _skipped: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def skip(self, seconds: float) -> None:
        """Advance by so many seconds."""
        with self._lock:
            self._skipped += seconds

    def elapsed(self) -> float:
        """Return the seconds since this clock was made."""
        return time.monotonic() - self._began + self._skipped

    def wall(self) -> float:
        """Return the seconds since 1970."""
        return EPOCH + self.elapsed()

    def clock(self) -> Clock:
        """Return it as the gateway's `Clock`."""
        return Clock(wall=self.wall, monotonic=self.elapsed, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.skip(seconds)
