"""Modules of this repository that run as processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def run_module(
    module: str, environment: Mapping[str, str] | None = None, arguments: Sequence[str] = ()
) -> Iterator[str]:
    """Run `python -m module` until the block ends, and give the first line that it prints."""
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
