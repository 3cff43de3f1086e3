"""The exporter: settled rows to the destinations that the stack has; returns the records that failed."""

from vectorgate.entrypoints.collection import uncollected

with uncollected():  # while Lambda does not limit the CPU yet
    from vectorgate.entrypoints.exporter import handler

    handler.prepare()

__all__ = ["handler"]
