"""The async logging function: the table's stream in, costs and rollups booked, the first failing record out."""

from vectorgate.entrypoints.usage_logger import handler

__all__ = ["handler"]
