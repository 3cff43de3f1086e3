"""The meter: on a schedule, resolves open rows, samples stored bytes, and charges the days that are over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.bootstrap import deployed_meter
from vectorgate.entrypoints.function import Event, Function

if TYPE_CHECKING:
    from vectorgate.metering.worker import MeterWorker


def act(event: Event, meter: MeterWorker) -> dict[str, int]:
    """Run one tick. The schedule's event has no content."""
    del event
    return meter.tick()


handler = Function(act, deployed_meter)
