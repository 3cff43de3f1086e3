"""Threads instead of AWS's triggers: one that settles answered rows, and one for each schedule."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.ledger.settlement import SettlementService

AT_ONCE: Final = 20  # rows of one transaction, which holds the database for about a millisecond
GATHER_SECONDS: Final = 0.5  # rows that come within this time are settled together, and cost requests less of the GIL
IDLE_SECONDS: Final = 1.0  # between two searches without a notification, for what a crash left behind


class SettleLoop:
    """The local counterpart of the table's stream: a thread that settles rows once the ledger has answered ones."""

    def __init__(self) -> None:
        self._work = threading.Event()
        self._stopping = False

    def notify(self) -> None:
        """A row was answered. Returns at once: the ledger calls it within a request."""
        self._work.set()

    def start(self, settlement: SettlementService) -> threading.Thread:
        """Start the thread."""
        thread = threading.Thread(target=self._run, args=(settlement,), name="settle", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End after the rows that are being settled now."""
        self._stopping = True
        self._work.set()

    def _run(self, settlement: SettlementService) -> None:
        while not self._stopping:
            if self._work.wait(IDLE_SECONDS) and not self._stopping:
                time.sleep(GATHER_SECONDS)
            self._work.clear()
            _settle(settlement)


def _settle(settlement: SettlementService) -> None:
    """Settle what waits. After a failure the rows stay answered, and are found again."""
    try:
        while settlement.settle_waiting(AT_ONCE):
            pass
    except StoreError as error:
        settlement.telemetry.settlement_failed(error)
    except Exception as error:  # noqa: BLE001 - it would end the thread without a word
        settlement.telemetry.unexpected_error(error)


class Ticker:
    """The local counterpart of a schedule: a thread that calls a function every so many seconds, and at the start."""

    def __init__(self, name: str, seconds: float, report_defect: Callable[[BaseException], None]) -> None:
        self._name = name
        self._seconds = seconds
        self._report_defect = report_defect
        self._stopping = threading.Event()

    def start(self, tick: Callable[[], object]) -> threading.Thread:
        """Start the thread. `tick` handles its own failures; what it raises is a defect, and is reported."""
        thread = threading.Thread(target=self._run, args=(tick,), name=self._name, daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End after the tick in progress."""
        self._stopping.set()

    def _run(self, tick: Callable[[], object]) -> None:
        while not self._stopping.is_set():
            try:
                tick()
            except Exception as error:  # noqa: BLE001 - it would end the thread without a word
                self._report_defect(error)
            self._stopping.wait(self._seconds)


def exclusively(lock: threading.Lock, act: Callable[[], object]) -> None:
    """Act, while nothing else that takes this lock does."""
    with lock:
        act()
