"""The HTTP entry point: API Gateway HTTP API, payload format 2.0, all paths but the admin app's."""

from vectorgate.entrypoints.collection import uncollected

with uncollected():  # while Lambda does not limit the CPU yet
    from vectorgate.entrypoints.api import handler

    handler.prepare()

__all__ = ["handler"]
