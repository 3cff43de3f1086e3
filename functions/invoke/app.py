"""The gateway for who invokes it: the AWS SDK, Step Functions, or any event that carries an operation."""

from vectorgate.entrypoints.invoke import handler

__all__ = ["handler"]
