"""Percentiles, and processes that are stopped by their own handle."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Spread:
    """Milliseconds."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> Spread:
        """The percentiles of some durations."""
        ordered = sorted(seconds)
        at = (ordered[min(len(ordered) - 1, len(ordered) * share // 100)] * 1000 for share in (50, 95, 99))
        return cls(*at)

    def __str__(self) -> str:
        return f"p50 {self.p50:.2f} ms, p95 {self.p95:.2f} ms, p99 {self.p99:.2f} ms"


def timed(act: Callable[[], object], clock: Callable[[], float], times: int) -> list[float]:
    """How long each of `times` calls took, in seconds."""
    durations = []
    for _ in range(times):
        began = clock()
        act()
        durations.append(clock() - began)
    return durations


@contextmanager
def process(module: str, environment: Mapping[str, str] | None = None, arguments: Sequence[str] = ()) -> Iterator[str]:
    """Run `python -m module` until the block ends; gives the first line that it prints."""
    path = os.pathsep.join([str(ROOT / "layers/core/python"), str(ROOT)])
    running = subprocess.Popen(  # noqa: S603 - our own modules, by our own interpreter
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": path, **(environment or {})},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if running.stdout is None or running.stdin is None:
        raise RuntimeError("no pipes")
    try:
        yield running.stdout.readline().strip()
    finally:
        running.stdin.close()
        running.terminate()
        running.wait(20)
        running.stdout.close()
