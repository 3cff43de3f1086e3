"""How many calls of the provider the lists of one tenant make at a time. In memory, one for each process."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.ids import TenantId


MAX_CALLS: Final = 8  # of one tenant's lists, at a time


class TenantSlots:
    """`most` slots for each tenant, whatever the number of its requests. Thread-safe."""

    def __init__(self, most: int = MAX_CALLS) -> None:
        self._most = most
        self._taken: dict[TenantId, int] = {}
        self._released = threading.Condition()

    @contextmanager
    def taken(self, tenant: TenantId, wanted: int, *, seconds: float) -> Iterator[int]:
        """Hold up to `wanted` slots inside the block; how many: 0 if none became free within so many seconds."""
        granted = self._take(tenant, wanted, seconds)
        try:
            yield granted
        finally:
            self._release(tenant, granted)

    def _take(self, tenant: TenantId, wanted: int, seconds: float) -> int:
        with self._released:
            self._released.wait_for(lambda: self._free(tenant) > 0, timeout=max(0.0, seconds))
            granted = min(wanted, self._free(tenant))
            self._taken[tenant] = self._taken.get(tenant, 0) + granted
            return granted

    def _release(self, tenant: TenantId, granted: int) -> None:
        with self._released:
            held = self._taken.pop(tenant, 0) - granted
            if held > 0:
                self._taken[tenant] = held
            self._released.notify_all()

    def _free(self, tenant: TenantId) -> int:
        return self._most - self._taken.get(tenant, 0)
