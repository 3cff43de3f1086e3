"""Threads that do one thing at the same time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Outcome = TypeVar("Outcome")

BARRIER_TIMEOUT_S: Final = 60  # so that a thread which cannot be started does not block the others


def at_once(count: int, act: Callable[[int], Outcome]) -> list[Outcome]:
    """Call `act` for each number below `count`, all at once from as many threads, and return the results."""
    outcomes: list[Outcome] = []
    start = threading.Barrier(count)

    def run(number: int) -> None:
        start.wait(BARRIER_TIMEOUT_S)
        outcomes.append(act(number))

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
