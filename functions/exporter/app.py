"""The exporter: settled rows to the destinations that the stack has; returns the records that failed."""

from vectorgate.entrypoints.exporter import handler

__all__ = ["handler"]

handler.prepare()  # where Lambda does not limit the CPU yet
