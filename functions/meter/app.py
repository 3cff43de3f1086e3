"""The meter: a schedule's tick in; what was left open found out, stored bytes sampled, days that are over charged."""

from vectorgate.entrypoints.meter import handler

__all__ = ["handler"]
