"""`python -m tests.simulation [OPERATIONS=n] [SEED=first] [PROCESSES=n]`: many seeds; exit 1 unless there is no difference.

Ten million operations take an hour or two: how far it is goes to the standard error once a minute.
"""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Final

from tests.simulation.seed import play
from tests.simulation.world import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

OPERATIONS: Final = 10_000_000
OPERATIONS_OF_A_SEED: Final = 2_000
PROGRESS_SECONDS: Final = 60.0


def plan(operations: int, first_seed: int) -> list[tuple[int, int]]:
    """Seeds with their operations, as many as it takes."""
    whole, rest = divmod(operations, OPERATIONS_OF_A_SEED)
    sizes = [OPERATIONS_OF_A_SEED] * whole + ([rest] if rest else [])
    return [(first_seed + place, size) for place, size in enumerate(sizes)]


def run(
    operations: int, first_seed: int, processes: int, told: Callable[[Tally, list[str]], None] = lambda _, __: None
) -> tuple[Tally, list[str]]:
    """All seeds, over several processes. `told` hears, after each, the tally so far and the seed's differences."""
    total, found = Tally(), []
    work = plan(operations, first_seed)
    # Spawned, so that a process has nothing of this one: in `make test` that is the marks which measure coverage.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        for (seed, tally, differences), (_, size) in zip(pool.map(play, work, chunksize=1), work, strict=True):
            total.add(tally)
            news = [f"OPERATIONS={size} SEED={seed}: {difference}" for difference in differences]
            found += news
            told(total, news)
    return total, found


class Progress:
    """Each difference at once, and a line a minute, on the standard error."""

    def __init__(self, began: float) -> None:
        self._began = self._said = began

    def __call__(self, total: Tally, news: list[str]) -> None:
        """Say what there is to say."""
        for line in news:
            sys.stderr.write(f"{line}\n")
        now = time.monotonic()
        if now - self._said >= PROGRESS_SECONDS:
            self._said = now
            sys.stderr.write(f"so far: {total} seconds={now - self._began:.0f}\n")
            sys.stderr.flush()


def settings(arguments: Iterable[str]) -> dict[str, int]:
    """`NAME=value` from the arguments, else from the environment."""
    given = {**os.environ, **dict(argument.split("=", 1) for argument in arguments)}
    defaults = {"OPERATIONS": OPERATIONS, "SEED": 1, "PROCESSES": 2}
    return {name: int(given.get(name) or default) for name, default in defaults.items()}


def main() -> int:
    """Run, report, and judge."""
    chosen = settings(sys.argv[1:])
    began = time.monotonic()
    total, _ = run(chosen["OPERATIONS"], chosen["SEED"], chosen["PROCESSES"], Progress(began))
    sys.stdout.write(f"{total} seconds={time.monotonic() - began:.0f}\n")
    return 1 if total.differences else 0


if __name__ == "__main__":
    sys.exit(main())
