"""The release's check: CodeDeploy asks it before a new version gets traffic."""

from vectorgate.entrypoints.collection import uncollected

with uncollected():  # while Lambda does not limit the CPU yet
    from vectorgate.entrypoints.release_check import handler

    handler.prepare()

__all__ = ["handler"]
