"""The meter: on a schedule, resolves open rows, samples stored bytes, and charges the days that are over."""

from vectorgate.entrypoints.meter import handler

__all__ = ["handler"]

handler.prepare()  # where Lambda does not limit the CPU yet
