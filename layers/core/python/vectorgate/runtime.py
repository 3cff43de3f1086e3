"""The composition root: where clock, chance, network, stores and settings become a gateway.

`deployed_*` build what runs on AWS; the one-machine edition and the tests hand in parts of their own.
"""

from __future__ import annotations

import random
import time
from functools import cache
from typing import TYPE_CHECKING, Final

from vectorgate import settings as configuration
from vectorgate.admin.desk import AdminDesk
from vectorgate.admission import Limits
from vectorgate.clock import Chance, Clock
from vectorgate.gateway import Gateway
from vectorgate.keys.cache import CachedKeys
from vectorgate.ledger.stream import Bookkeeper
from vectorgate.limits import TokenBucket
from vectorgate.observability import NAMESPACE, PowertoolsTelemetry
from vectorgate.pricing.book import PriceBook, shipped_prices
from vectorgate.providers.openai import OpenAI
from vectorgate.secret import Secret
from vectorgate.stores.dynamodb import open_stores
from vectorgate.upstream.credentials import Credentials, SecretsManager
from vectorgate.upstream.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.ids import ProviderName
    from vectorgate.observability import Telemetry
    from vectorgate.providers.base import Provider
    from vectorgate.settings import Settings
    from vectorgate.stores import Stores
    from vectorgate.upstream.outcome import Transport

# Refused strangers leave a row each as long as they come at this rate; beyond it they are only counted.
STRANGERS_AT_ONCE: Final = 100
STRANGERS_PER_SECOND: Final = 10.0

PROVIDERS: Final[Mapping[str, Callable[[str], Provider]]] = {"openai": OpenAI}


def system_clock() -> Clock:
    """The machine's own time."""
    return Clock(wall=time.time, monotonic=time.monotonic, sleep=time.sleep)


def system_chance() -> Chance:
    """The machine's own randomness, fit for keys."""
    return Chance(bits=random.SystemRandom().getrandbits)


def powertools_telemetry() -> Telemetry:
    """Logs and metrics as CloudWatch reads them."""
    from aws_lambda_powertools import Logger, Metrics  # noqa: PLC0415 - 50 ms that the other editions do not pay

    return PowertoolsTelemetry(Logger(service=NAMESPACE), Metrics(namespace=NAMESPACE, service=NAMESPACE))


def build_gateway(
    settings: Settings,
    *,
    stores: Stores,
    credentials: Credentials,
    transport: Transport,
    telemetry: Telemetry,
    clock: Clock,
    chance: Chance,
) -> Gateway:
    """A gateway of the given parts."""
    return Gateway(
        clock=clock,
        chance=chance,
        keys=CachedKeys(stores.keys, clock),
        ownership=stores.ownership,
        ledger=stores.ledger,
        book=price_book(),
        providers=_providers(settings.secrets),
        credentials=credentials,
        transport=transport,
        telemetry=telemetry,
        limits=Limits(max_upload=settings.max_upload, too_large=settings.too_large),
        strangers=TokenBucket(clock, burst=STRANGERS_AT_ONCE, per_second=STRANGERS_PER_SECOND),
    )


def _providers(secrets: Mapping[ProviderName, str]) -> Mapping[ProviderName, Provider]:
    unknown = sorted(set(secrets) - set(PROVIDERS))
    if unknown or not secrets:
        raise ValueError(f"no provider is configured, or one that is not known: {unknown}")
    return {name: PROVIDERS[name](name) for name in secrets}


@cache
def price_book() -> PriceBook:
    """The prices that ship with this release."""
    return PriceBook(shipped_prices())


@cache
def deployed_settings() -> Settings:
    """The function's own environment."""
    return configuration.from_environment()


@cache
def deployed_telemetry() -> Telemetry:
    """One logger and one set of metrics a function."""
    return powertools_telemetry()


@cache
def deployed_stores() -> Stores:
    """The deployment's table."""
    settings = deployed_settings()
    return open_stores(
        settings.table,
        clock=system_clock(),
        chance=system_chance(),
        region=settings.region,
        endpoint_url=settings.endpoint_url,
    )


@cache
def deployed_gateway() -> Gateway:
    """The api function."""
    settings, clock = deployed_settings(), system_clock()
    return build_gateway(
        settings,
        stores=deployed_stores(),
        credentials=Credentials(deployed_secrets(), settings.secrets, clock, plain_http=settings.plain_http),
        transport=PooledTransport(clock),
        telemetry=deployed_telemetry(),
        clock=clock,
        chance=system_chance(),
    )


@cache
def deployed_secrets() -> SecretsManager:
    """The account's Secrets Manager."""
    settings = deployed_settings()
    return SecretsManager(region=settings.region, endpoint_url=settings.endpoint_url)


@cache
def deployed_admin() -> AdminDesk:
    """The admin function. ValueError when the deployment names no master key."""
    settings = deployed_settings()
    if settings.master_key_secret is None:
        raise ValueError("the setting VECTORGATE_MASTER_KEY_SECRET is missing")
    return AdminDesk(
        master_key=Secret(deployed_secrets().read(settings.master_key_secret)),
        stores=deployed_stores(),
        clock=system_clock(),
        chance=system_chance(),
        telemetry=deployed_telemetry(),
    )


@cache
def deployed_bookkeeper() -> Bookkeeper:
    """The async logging function."""
    return Bookkeeper(deployed_stores().ledger, price_book(), deployed_telemetry())
