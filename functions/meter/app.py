"""The meter: a schedule's tick in; what was left open found out, stored bytes sampled, days that are over charged."""

from vectorgate.entrypoints.function import Event, Function
from vectorgate.metering.worker import Meter, deployed_meter


def act(event: Event, meter: Meter) -> dict[str, int]:
    """One tick. The event says nothing but that time has passed."""
    del event
    return meter.tick()


handler = Function(act, deployed_meter)
