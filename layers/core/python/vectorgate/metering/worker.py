"""The meter's work at every tick: settle what is late, find out what was left open, sample what is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.clock import MILLISECONDS
from vectorgate.ledger.reconciliation import Reconciler
from vectorgate.ledger.settlement import SettlementService
from vectorgate.metering.sampler import Sampler
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from vectorgate.clock import Clock
    from vectorgate.telemetry import Telemetry

LATE_SECONDS: Final = (
    300  # the stream books within two seconds: of what began before, hardly anything still waits for it
)
BOOKED_AT_ONCE: Final = 1_000  # rows of one tick: some forty transactions


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterWorker:
    """What a tick does. Booking first, which needs no provider. A store that is adopted has its maker when sampled."""

    reconciler: Reconciler
    sampler: Sampler
    settlement: SettlementService
    clock: Clock
    telemetry: Telemetry

    def tick(self) -> dict[str, int]:
        """One tick: how many rows ended in which way, how many storage records were posted, what was booked late."""
        booked = self._book_late()
        resolved: dict[str, int] = {}
        try:
            resolved = dict(self.reconciler.sweep())
        except StoreError as error:
            self.telemetry.task_failed("MeterFailures", error)  # an alarm; the next tick does it again
        posted = self.sampler.tick()
        self.telemetry.flush()
        return {**resolved, "posted": posted, "booked": booked}

    def _book_late(self) -> int:
        """What began long ago and is not booked: given up by the stream, never told of by it, or just on its way."""
        before_ms = self.clock.unix_ms() - LATE_SECONDS * MILLISECONDS
        try:
            return self.settlement.settle_waiting(BOOKED_AT_ONCE, before_ms=before_ms)
        except StoreError as error:
            self.telemetry.task_failed("MeterFailures", error)
            return 0
