"""The async logging function: settles a batch of the table's stream; returns the first record that failed."""

from vectorgate.entrypoints.collection import uncollected

with uncollected():  # while Lambda does not limit the CPU yet
    from vectorgate.entrypoints.usage_logger import handler

    handler.prepare()

__all__ = ["handler"]
