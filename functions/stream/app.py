"""The HTTP entry point that streams: a function URL, all paths but the admin app's."""

from vectorgate.entrypoints.collection import uncollected

with uncollected():  # while Lambda does not limit the CPU yet
    from vectorgate.entrypoints.stream import handler

__all__ = ["handler"]
