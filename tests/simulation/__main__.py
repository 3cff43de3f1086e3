"""`python -m tests.simulation [OPERATIONS=n] [SEED=first] [PROCESSES=n]`: many seeds; exit 1 if there is a difference.

Ten million operations take an hour or two: the progress goes to the standard error once a minute.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from tests.simulation.environment import Tally
from tests.simulation.seed import play

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

OPERATIONS: Final = 10_000_000
OPERATIONS_OF_A_SEED: Final = 2_000
PROGRESS_SECONDS: Final = 60.0


def plan(operations: int, first_seed: int) -> list[tuple[int, int]]:
    """Return as many seeds as it takes, each with its operations."""
    whole, rest = divmod(operations, OPERATIONS_OF_A_SEED)
    sizes = [OPERATIONS_OF_A_SEED] * whole + ([rest] if rest else [])
    return [(first_seed + place, size) for place, size in enumerate(sizes)]


def run(
    operations: int, first_seed: int, processes: int, report: Callable[[Tally, list[str]], None] = lambda _, __: None
) -> tuple[Tally, list[str]]:
    """Run all seeds, in several processes. `report` gets, after each, the tally so far and the seed's differences."""
    total, found = Tally(), []
    work = plan(operations, first_seed)
    # Spawned, so that a process has nothing of this one: in `make test` that is the marks which measure coverage.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for (seed, tally, differences), (_, size) in zip(pool.map(play, work, chunksize=1), work, strict=True):
            total.add(tally)
            lines = [f"OPERATIONS={size} SEED={seed}: {difference}" for difference in differences]
            found += lines
            report(total, lines)
    return total, found


class Progress:
    """Writes each difference at once, and a line a minute, to the standard error."""

    def __init__(self, began: float) -> None:
        self._began = self._written = began

    def __call__(self, total: Tally, lines: list[str]) -> None:
        """Write the differences of a seed, and the tally when a minute is over."""
        for line in lines:
            sys.stderr.write(f"{line}\n")
        now = time.monotonic()
        if now - self._written >= PROGRESS_SECONDS:
            self._written = now
            sys.stderr.write(f"so far: {total} seconds={now - self._began:.0f}\n")
            sys.stderr.flush()


def settings(arguments: Iterable[str]) -> dict[str, int]:
    """Return the settings, from `NAME=value` arguments or the environment."""
    given = {**os.environ, **dict(argument.split("=", 1) for argument in arguments)}
    defaults = {"OPERATIONS": OPERATIONS, "SEED": 1, "PROCESSES": 2}
    return {name: int(given.get(name) or default) for name, default in defaults.items()}


def main() -> int:
    """Run all seeds, print the tally, and return 1 if there is a difference."""
    chosen = settings(sys.argv[1:])
    began = time.monotonic()
    total, _ = run(chosen["OPERATIONS"], chosen["SEED"], chosen["PROCESSES"], Progress(began))
    sys.stdout.write(f"{total} seconds={time.monotonic() - began:.0f}\n")
    return 1 if total.differences else 0


if __name__ == "__main__":
    sys.exit(main())
