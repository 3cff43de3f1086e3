"""The HTTP front door: API Gateway HTTP API, payload format 2.0, every path that is not the admin function's."""

from vectorgate.entrypoints.api import handler

__all__ = ["handler"]
