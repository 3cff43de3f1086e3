"""One seed, in a process of its own: such a process imports what it runs by name, which it cannot from `__main__`."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Final

from tests.simulation.simulation import Simulation

if TYPE_CHECKING:
    from tests.simulation.world import Tally

SHOWN: Final = 5
SELDOM: Final = 50_000  # objects between two collections, which otherwise take a thirtieth of the time


def play(work: tuple[int, int]) -> tuple[int, Tally, list[str]]:
    """A seed and its number of operations: the seed again, its tally, and the first differences that it has."""
    seed, operations = work
    gc.set_threshold(SELDOM)
    result = Simulation(seed).run(operations, hashed=False)
    return seed, result.tally, result.differences[:SHOWN]
