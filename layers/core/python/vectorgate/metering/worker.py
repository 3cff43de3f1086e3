"""The meter's work at every tick: list what stays open, settle late rows, resolve open ones, sample what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from vectorgate.clock import Clock
    from vectorgate.ledger.reconciliation import Reconciler
    from vectorgate.ledger.settlement import SettlementService
    from vectorgate.metering.sampler import Sampler
    from vectorgate.provider_bill.service import ProviderBill
    from vectorgate.telemetry import Telemetry

# The stream settles a row within a minute at most: one that began so many seconds ago and is still answered is late.
LATE_SECONDS: Final = 300
SETTLED_PER_TICK: Final = 1_000  # late rows: some forty transactions
LISTING_SECONDS: Final = 15.0  # of a tick, for the rows that began since the one before


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterWorker:
    """Runs ticks.

    Settlement comes before what needs a provider; sampling last, so that a store that was just adopted has an owner.
    `bill` compares OpenAI's bill once a day; None without an admin key.
    """

    reconciler: Reconciler
    sampler: Sampler
    settlement: SettlementService
    clock: Clock
    telemetry: Telemetry
    bill: ProviderBill | None = None

    def tick(self) -> dict[str, int]:
        """One tick: open rows by their outcome, storage records `posted`, late rows `settled`, bills `compared`.

        `failed`: 1 where the table did not let open rows be listed, found or settled.
        """
        listed, settled, resolved = self.list_open(), self._settle_late(), self._sweep()
        posted = self.sampler.tick()
        # What was posted now is settled by the next tick, and until then the bill would have more than the records.
        compared = {"compared": 1} if self.bill is not None and not posted and self.bill.tick() else {}
        failed = {"failed": 1} if None in {listed, settled} or resolved is None else {}
        self.telemetry.flush()
        return {**(resolved or {}), "posted": posted, "settled": settled or 0, **compared, **failed}

    def list_open(self) -> int | None:
        """Have rows that stay open found later, too; how many were new. None if the table refused, or was too slow."""
        try:
            return self.reconciler.ledger.list_open(self.clock.unix_ms(), LISTING_SECONDS)
        except StoreError as error:
            self.telemetry.task_failed("MeterFailures", error)
            return None

    def _sweep(self) -> dict[str, int] | None:
        """Resolve open rows; None if the table refused. An alarm, and the next tick tries again."""
        try:
            return dict(self.reconciler.sweep())
        except StoreError as error:
            self.telemetry.task_failed("MeterFailures", error)
            return None

    def find_out(self) -> dict[str, int]:
        """Resolve open rows now, if one has just become uncertain; their number by outcome. For use between ticks."""
        try:
            return dict(self.reconciler.sweep()) if self.reconciler.has_new_rows() else {}
        except StoreError as error:
            self.telemetry.task_failed("MeterFailures", error)
            return {}

    def settle_late(self) -> int:
        """Settle rows that the stream gave up, or never delivered; how many were settled."""
        return self._settle_late() or 0

    def _settle_late(self) -> int | None:
        """As `settle_late`; None if the table refused."""
        before_ms = self.clock.unix_ms() - LATE_SECONDS * MILLISECONDS
        try:
            return self.settlement.settle_waiting(SETTLED_PER_TICK, before_ms=before_ms)
        except StoreError as error:
            self.telemetry.task_failed("MeterFailures", error)
            return None
