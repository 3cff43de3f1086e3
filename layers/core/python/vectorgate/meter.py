"""The meter: on every tick, find out what was left open, then sample what is stored. Its composition root, too."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from vectorgate import runtime
from vectorgate.assembly import PROVIDERS
from vectorgate.ledger.reconcile import Reconciler
from vectorgate.metering.deployed import build_sampler
from vectorgate.stores import StoreError
from vectorgate.upstream.transport import PooledTransport

if TYPE_CHECKING:
    from vectorgate.clock import Chance, Clock
    from vectorgate.metering.sampler import Sampler
    from vectorgate.observability import Telemetry
    from vectorgate.settings import Settings
    from vectorgate.stores import Stores
    from vectorgate.upstream.credentials import Credentials
    from vectorgate.upstream.outcome import Transport


@dataclass(frozen=True, slots=True)
class Meter:
    """What a tick does. First the open rows: a store that is adopted has its maker when it is sampled."""

    reconciler: Reconciler
    sampler: Sampler
    telemetry: Telemetry

    def tick(self) -> dict[str, int]:
        """One tick; how many rows were resolved in which way, and how many storage records were posted."""
        resolved: dict[str, int] = {}
        try:
            resolved = dict(self.reconciler.sweep())
        except StoreError:
            self.telemetry.count("MeterFailures")  # an alarm; the next tick does it again
        return {**resolved, "posted": self.sampler.tick()}


def build_meter(
    settings: Settings,
    *,
    stores: Stores,
    credentials: Credentials,
    transport: Transport,
    telemetry: Telemetry,
    clock: Clock,
    chance: Chance,
) -> Meter:
    """A meter of the given parts."""
    reconciler = Reconciler(
        ledger=stores.ledger,
        ownership=stores.ownership,
        providers={name: PROVIDERS[name](name) for name in settings.secrets},
        credentials=credentials,
        transport=transport,
        clock=clock,
        chance=chance,
        telemetry=telemetry,
    )
    sampler = build_sampler(
        settings,
        stores=stores,
        credentials=credentials,
        transport=transport,
        telemetry=telemetry,
        clock=clock,
        chance=chance,
    )
    return Meter(reconciler, sampler, telemetry)


@cache
def deployed_meter() -> Meter:
    """The meter function."""
    settings, clock = runtime.deployed_settings(), runtime.system_clock()
    return build_meter(
        settings,
        stores=runtime.deployed_stores(),
        credentials=runtime.deployed_credentials(),
        transport=PooledTransport(clock),
        telemetry=runtime.deployed_telemetry(),
        clock=clock,
        chance=runtime.system_chance(),
    )
