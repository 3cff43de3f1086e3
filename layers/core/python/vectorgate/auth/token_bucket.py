"""A token bucket, which limits a rate. In memory, one for each process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vectorgate.clock import Clock


class TokenBucket:
    """Holds at most `burst` tokens, and refills by `per_second`. Thread-safe."""

    def __init__(self, clock: Clock, *, burst: int, per_second: float) -> None:
        self._clock = clock
        self._burst = float(burst)
        self._per_second = per_second
        self._tokens = self._burst
        self._refilled_at = clock.monotonic()
        self._lock = threading.Lock()

    def try_acquire(self) -> bool:
        """Acquire a token; False when there is none."""
        with self._lock:
            now = self._clock.monotonic()
            passed = max(0.0, now - self._refilled_at)  # a copy of a snapshot may have another clock
            self._tokens = min(self._burst, self._tokens + passed * self._per_second)
            self._refilled_at = now
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True
