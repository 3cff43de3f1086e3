"""The gateway for direct invocations: by the AWS SDK, Step Functions, or any event that contains an operation."""

from vectorgate.entrypoints.collection import uncollected

with uncollected():  # while Lambda does not limit the CPU yet
    from vectorgate.entrypoints.invoke import handler

    handler.prepare()

__all__ = ["handler"]
