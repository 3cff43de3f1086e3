"""Many threads that do one thing at the same moment."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Outcome = TypeVar("Outcome")

PATIENCE_S: Final = 60  # so that a thread which cannot be started leaves nobody waiting for it


def at_once(count: int, act: Callable[[int], Outcome]) -> list[Outcome]:
    """What `act` returned for each number below `count`: a thread for each, all let go by one barrier."""
    outcomes: list[Outcome] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait(PATIENCE_S)
        outcomes.append(act(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
