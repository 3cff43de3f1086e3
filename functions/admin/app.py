"""The admin app: keys, budgets and spend, under the master key. Its role may write what the api function only reads."""

from vectorgate.entrypoints.admin import handler

__all__ = ["handler"]

handler.prepare()  # where Lambda does not limit the CPU yet
