"""The meter: on a schedule, resolves open rows, samples stored bytes, and charges the days that are over."""

from vectorgate.entrypoints.collection import uncollected

with uncollected():  # while Lambda does not limit the CPU yet
    from vectorgate.entrypoints.meter import handler

    handler.prepare()

__all__ = ["handler"]
