"""The sampler of a deployment's settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate import runtime
from vectorgate.assembly import INDEX_PROVIDER, PROVIDERS
from vectorgate.metering.accounts import Accounts
from vectorgate.metering.sampler import Sampler

if TYPE_CHECKING:
    from vectorgate.clock import Chance, Clock
    from vectorgate.observability import Telemetry
    from vectorgate.settings import Settings
    from vectorgate.stores import Stores
    from vectorgate.upstream.credentials import Credentials
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
        accounts=Accounts(stores.keys, stores.budgets),
        book=runtime.price_book(settings.prices),
        providers={name: PROVIDERS[name](name) for name in settings.secrets if name != INDEX_PROVIDER},
        credentials=credentials,
        transport=transport,
        telemetry=telemetry,
    )
