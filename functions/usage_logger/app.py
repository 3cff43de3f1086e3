"""The async logging function: settles a batch of the table's stream; returns the first record that failed."""

from vectorgate.entrypoints.usage_logger import handler

__all__ = ["handler"]

handler.prepare()  # where Lambda does not limit the CPU yet
