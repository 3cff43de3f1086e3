"""The admin app: keys, budgets and spend, under the master key. Its role may write what the api function only reads."""

from vectorgate.entrypoints.collection import uncollected

with uncollected():  # while Lambda does not limit the CPU yet
    from vectorgate.entrypoints.admin import handler

    handler.prepare()

__all__ = ["handler"]
