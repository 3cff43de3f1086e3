"""The HTTP entry point that streams: a function URL, all paths but the admin app's."""

from vectorgate.entrypoints.stream import handler

__all__ = ["handler"]
