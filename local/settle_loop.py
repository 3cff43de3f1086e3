"""The stand-in for the table's stream: settles answered rows as soon as the ledger says there are some."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from vectorgate.ledger.settlement import SettlementService

AT_ONCE: Final = 20  # rows of one transaction, which holds the database for about a millisecond
GATHER_SECONDS: Final = 0.5  # rows that come within this time are booked together, and cost requests less of the GIL
IDLE_SECONDS: Final = 1.0  # a look without a notification, for what a crash left behind


class SettleLoop:
    """A thread that books. `notify` is handed to the ledger, and returns at once."""

    def __init__(self) -> None:
        self._work = threading.Event()
        self._stopping = False

    def notify(self) -> None:
        """A row was answered."""
        self._work.set()

    def start(self, settlement: SettlementService) -> threading.Thread:
        """Begin to book."""
        thread = threading.Thread(target=self._run, args=(settlement,), name="settle", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End after what is being booked now."""
        self._stopping = True
        self._work.set()

    def _run(self, settlement: SettlementService) -> None:
        while not self._stopping:
            if self._work.wait(IDLE_SECONDS) and not self._stopping:
                time.sleep(GATHER_SECONDS)
            self._work.clear()
            try:
                while settlement.settle_waiting(AT_ONCE):
                    pass
            except StoreError as error:
                settlement.telemetry.settlement_failed(error)  # the rows are still answered, and come again
