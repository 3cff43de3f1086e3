"""Local mode's exporter of one destination: from the outbox, in the order of settlement, with growing pauses.

A crash between a delivery and `advance` delivers those records again. What the destination refuses, and what it has not
taken for as long as a queue of AWS keeps it, becomes a dead letter.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.clock import DAY_MS
from vectorgate.exports.delivery import deliver, pause_after
from vectorgate.exports.record import record_of
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.clock import Clock, Random
    from vectorgate.exports.delivery import Delivery
    from vectorgate.exports.ports import Destination, Outbox, Waiting
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.telemetry import Telemetry

AT_ONCE: Final = 100  # rows read from the outbox
KEPT_MS: Final = 14 * DAY_MS


@dataclass(slots=True, kw_only=True)
class OutboxWorker:
    """Delivers to one destination. One thread calls `tick`; another may call `stop`."""

    outbox: Outbox
    ledger: LedgerStore
    destination: Destination
    clock: Clock
    randomness: Random
    telemetry: Telemetry
    _failures: int = 0
    _due: float = 0.0
    _stopping: bool = field(default=False)

    def tick(self) -> None:
        """Deliver what waits, unless the last failure's pause is not over."""
        try:
            while not self._stopping and self.clock.monotonic() >= self._due and self._deliver_next():
                pass
        except StoreError as error:
            self.telemetry.task_failed("ExportFailures", error)

    def stop(self) -> None:
        """Begin no further delivery."""
        self._stopping = True

    def _deliver_next(self) -> bool:
        """Deliver the next rows; whether there were any."""
        name = self.destination.name
        rows = self.outbox.waiting(name, AT_ONCE)
        entries = self.ledger.entries([row.id for row in rows])
        known = [row for row in rows if row.id in entries]
        delivery = deliver([record_of(entries[row.id]) for row in known], self.destination)
        for at, reason in delivery.refused:
            self._set_aside(known[at], reason)
        if delivery.failure is not None:
            self._conclude(known[: delivery.done])
            self._pause(delivery, known[delivery.done])
        else:
            self._failures = 0
            self._conclude(rows)
        return bool(rows)

    def _conclude(self, rows: Sequence[Waiting]) -> None:
        if rows:
            self.outbox.advance(self.destination.name, rows[-1].place)

    def _pause(self, delivery: Delivery, row: Waiting) -> None:
        """Wait before the next attempt; give a row up that was tried for too long."""
        failure = delivery.failure
        if failure is None:
            return
        self._failures = 1 if delivery.done else self._failures + 1
        pause = pause_after(self._failures, self.randomness.fraction(), at_least=failure.retry_after)
        self._due = self.clock.monotonic() + pause
        self.telemetry.task_failed("ExportFailures", failure)
        if self.clock.unix_ms() - row.at_ms > KEPT_MS:
            self._set_aside(row, f"given up: {failure}")
            self._conclude([row])

    def _set_aside(self, row: Waiting, reason: str) -> None:
        self.outbox.set_aside(self.destination.name, row, reason)
        self.telemetry.count("ExportDeadLetters")
