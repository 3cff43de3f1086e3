"""The stand-in for the schedule: a tick of the meter every so many seconds."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

DEFAULT_SECONDS: Final = 60.0
SETTING: Final = "VECTORGATE_METER_SECONDS"


def seconds_in(environment: Mapping[str, str]) -> float:
    """The setting. ValueError for one that is not a positive number of seconds."""
    text = environment.get(SETTING, str(DEFAULT_SECONDS))
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= threading.TIMEOUT_MAX:
        raise ValueError(f"{SETTING} is {text!r}, and should be a number of seconds")
    return seconds


class MeterLoop:
    """A thread that ticks; the first time at once."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._stopping = threading.Event()

    def start(self, tick: Callable[[], object]) -> threading.Thread:
        """Begin to tick. `tick` deals with its own failures."""
        thread = threading.Thread(target=self._run, args=(tick,), name="meter", daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End after the tick that is under way."""
        self._stopping.set()

    def _run(self, tick: Callable[[], object]) -> None:
        while not self._stopping.is_set():
            tick()
            self._stopping.wait(self._seconds)
