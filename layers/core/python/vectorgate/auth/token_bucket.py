"""A token bucket: so many at once, so many a second after that. In memory, a process's own."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectorgate.clock import Clock


class TokenBucket:
    """Admits `burst` at once and `per_second` from then on. Safe to use from many threads."""

    def __init__(self, clock: Clock, *, burst: int, per_second: float) -> None:
        self._clock = clock
        self._burst = float(burst)
        self._per_second = per_second
        self._tokens = self._burst
        self._at = clock.monotonic()
        self._lock = threading.Lock()

    def try_acquire(self) -> bool:
        """Take a token, if there is one."""
        with self._lock:
            now = self._clock.monotonic()
            self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second)
            self._at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
