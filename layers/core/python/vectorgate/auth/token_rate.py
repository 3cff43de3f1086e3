"""The tokens a minute that a key may use. In memory: each process of a deployment counts by itself.

A response's tokens are known when it ends, so the limit refuses calls that begin after it was reached.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import TooManyRequests

if TYPE_CHECKING:
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.clock import Clock
    from vectorgate.ids import KeyId

WINDOW_SECONDS: Final = 60.0


class TokenRates:
    """The tokens of the last minute, by key. Thread-safe."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._used: dict[KeyId, deque[tuple[float, int]]] = {}
        self._lock = threading.Lock()

    def check(self, key: VirtualKey) -> None:
        """TooManyRequests (429) for a key that has used its `tpm_limit` in the last minute."""
        if key.tpm_limit is None:
            return
        with self._lock:
            recent = self._recent(key.id)
            used, wait = sum(tokens for _, tokens in recent), WINDOW_SECONDS
            if recent:
                wait = recent[0][0] + WINDOW_SECONDS - self._clock.monotonic()
        if used >= key.tpm_limit:
            raise TooManyRequests(
                f"Rate limit reached for this key on tokens per min (TPM): Limit {key.tpm_limit}, Used {used}.",
                code="rate_limit_exceeded",
                headers={"retry-after": str(max(1, round(wait)))},
            )

    def add(self, key: VirtualKey, tokens: int) -> None:
        """Count the tokens of a response that has ended."""
        if key.tpm_limit is None:
            return
        with self._lock:
            self._recent(key.id).append((self._clock.monotonic(), tokens))

    def _recent(self, key_id: KeyId) -> deque[tuple[float, int]]:
        recent = self._used.setdefault(key_id, deque())
        while recent and recent[0][0] <= self._clock.monotonic() - WINDOW_SECONDS:
            recent.popleft()
        return recent
