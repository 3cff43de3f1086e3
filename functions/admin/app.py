"""Keys and spend, for the holder of the master key. Its role writes what the api's may only read."""

from vectorgate.entrypoints.admin import handler

__all__ = ["handler"]
