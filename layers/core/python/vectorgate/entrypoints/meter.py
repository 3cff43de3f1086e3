"""The meter: on a schedule, resolve what was left open, sample stored bytes, charge the days that are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.bootstrap import deployed_meter
from vectorgate.entrypoints.function import Event, Function

if TYPE_CHECKING:
    from vectorgate.metering.worker import MeterWorker


def act(event: Event, meter: MeterWorker) -> dict[str, int]:
    """One tick. The event says nothing but that time has passed."""
    del event
    return meter.tick()


handler = Function(act, deployed_meter)
