"""The end of a simulated process."""

from __future__ import annotations


class SimulatedCrash(BaseException):
    """The process ended. Not an `Exception`, so that the code under test cannot catch it and continue."""
