"""One seed, in a process of its own. Such a process imports its function by name, which `__main__` does not allow."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Final

from tests.simulation.simulation import Simulation

if TYPE_CHECKING:
    from tests.simulation.environment import Tally

SHOWN: Final = 5
SELDOM: Final = 50_000  # objects between two garbage collections, which otherwise take a thirtieth of the time


def play(work: tuple[int, int]) -> tuple[int, Tally, list[str]]:
    """Run a seed of so many operations; return it with its tally and its first differences."""
    seed, operations = work
    gc.set_threshold(SELDOM)
    result = Simulation(seed).run(operations, with_digest=False)
    return seed, result.tally, result.differences[:SHOWN]
