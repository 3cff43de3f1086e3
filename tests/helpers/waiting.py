"""To wait for what another process does in its own time, and no longer than it may take."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Found = TypeVar("Found")


def within(seconds: float, look: Callable[[], Found | None]) -> Found:
    """The first true thing that `look` gives; AssertionError when there is none in time."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)
    return found
