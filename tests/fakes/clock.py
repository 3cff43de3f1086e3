"""The machine's time, with a hand to move it on: what sleeps is skipped and written down, never waited for."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from vectorgate.clock import Clock

EPOCH = 1_772_600_767.0  # 2026-03-04 05:06:07 UTC


@dataclass
class FakeClock:
    """Runs at real speed, because sockets do, and jumps when it is told to or when somebody sleeps on it."""

    slept: list[float] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)
    _skipped: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def skip(self, seconds: float) -> None:
        """Let time pass."""
        with self._lock:
            self._skipped += seconds

    def elapsed(self) -> float:
        """Seconds since this clock was made."""
        return time.monotonic() - self._began + self._skipped

    def wall(self) -> float:
        """Seconds since 1970."""
        return EPOCH + self.elapsed()

    def clock(self) -> Clock:
        """The value that the gateway is handed."""
        return Clock(wall=self.wall, monotonic=self.elapsed, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.skip(seconds)
