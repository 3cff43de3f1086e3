"""What happens every so many seconds: the stand-in for schedules and for notifications."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Ticker:
    """A thread that ticks; the first time at once."""

    def __init__(self, name: str, seconds: float, defect: Callable[[BaseException], None]) -> None:
        self._name = name
        self._seconds = seconds
        self._defect = defect
        self._stopping = threading.Event()

    def start(self, tick: Callable[[], object]) -> threading.Thread:
        """Begin to tick. `tick` deals with its own failures; what it does not foresee is told to `defect`."""
        thread = threading.Thread(target=self._run, args=(tick,), name=self._name, daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End after the tick that is under way."""
        self._stopping.set()

    def _run(self, tick: Callable[[], object]) -> None:
        while not self._stopping.is_set():
            try:
                tick()
            except Exception as error:  # noqa: BLE001 - a thread that ends with it would end in silence
                self._defect(error)
            self._stopping.wait(self._seconds)
