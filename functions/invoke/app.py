"""The gateway for direct invocations: by the AWS SDK, Step Functions, or any event that contains an operation."""

from vectorgate.entrypoints.invoke import handler

__all__ = ["handler"]

handler.prepare()  # where Lambda does not limit the CPU yet
