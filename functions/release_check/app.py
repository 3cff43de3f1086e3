"""The release's check: CodeDeploy asks it before a new version gets traffic."""

from vectorgate.entrypoints.release_check import handler

__all__ = ["handler"]

handler.prepare()  # where Lambda does not limit the CPU yet
