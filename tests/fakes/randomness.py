"""Random numbers for tests that count calls."""

from __future__ import annotations

from typing import Final

from vectorgate.bootstrap import system_random
from vectorgate.clock import Random

_FRACTION_BITS: Final = 53


def never_the_turn() -> Random:
    """The system's, whose fractions are at least a half: what is done once in many times is never done.

    A test of such work does it each time.
    """
    system = system_random()

    def bits(count: int) -> int:
        drawn = system.bits(count)
        return drawn | 1 << (count - 1) if count == _FRACTION_BITS else drawn

    return Random(bits=bits)
