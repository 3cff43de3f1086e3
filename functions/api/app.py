"""The HTTP entry point: API Gateway HTTP API, payload format 2.0, all paths but the admin app's."""

from vectorgate.entrypoints.api import handler

__all__ = ["handler"]

handler.prepare()  # where Lambda does not limit the CPU yet
