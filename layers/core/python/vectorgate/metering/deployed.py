"""The meter function's parts: handed in by the one-machine edition, or out of the deployment's environment."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from vectorgate import runtime
from vectorgate.assembly import INDEX_PROVIDER, PROVIDERS
from vectorgate.metering.sampler import Sampler
from vectorgate.upstream.credentials import Credentials
from vectorgate.upstream.transport import PooledTransport

if TYPE_CHECKING:
    from vectorgate.clock import Chance, Clock
    from vectorgate.observability import Telemetry
    from vectorgate.settings import Settings
    from vectorgate.stores import Stores
    from vectorgate.upstream.outcome import Transport


def build_sampler(
    settings: Settings,
    *,
    stores: Stores,
    credentials: Credentials,
    transport: Transport,
    telemetry: Telemetry,
    clock: Clock,
    chance: Chance,
) -> Sampler:
    """A sampler of every configured provider that stores vectors by the GiB-day."""
    return Sampler(
        clock=clock,
        chance=chance,
        meters=stores.meters,
        ownership=stores.ownership,
        ledger=stores.ledger,
        book=runtime.price_book(settings.prices),
        providers={name: PROVIDERS[name](name) for name in settings.secrets if name != INDEX_PROVIDER},
        credentials=credentials,
        transport=transport,
        telemetry=telemetry,
    )


@cache
def deployed_sampler() -> Sampler:
    """The meter function."""
    settings, clock = runtime.deployed_settings(), runtime.system_clock()
    return build_sampler(
        settings,
        stores=runtime.deployed_stores(),
        credentials=Credentials(runtime.deployed_secrets(), settings.secrets, clock, plain_http=settings.plain_http),
        transport=PooledTransport(clock),
        telemetry=runtime.deployed_telemetry(),
        clock=clock,
        chance=runtime.system_chance(),
    )
