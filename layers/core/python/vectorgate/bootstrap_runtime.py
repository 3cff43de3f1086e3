"""The composition root's common half: settings, clock, chance, stores and telemetry of a deployed function.

What a function is made of besides stands beside its feature: `assembly` (the gateway), `admin.deployed`,
`ingest.deployed`, `invoke.entry`, `ledger.deployed`, `meter`. A cold start so imports what its own function needs.
"""

from __future__ import annotations

import gc
import random
import time
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from vectorgate import settings as configuration
from vectorgate.clock import Chance, Clock
from vectorgate.telemetry import NAMESPACE, PowertoolsTelemetry
from vectorgate.deps import Ports
from vectorgate.pricing.book import PriceBook, read_prices, shipped_prices
from vectorgate.persistence.dynamodb import open_stores
from vectorgate.providers.credentials import Credentials, SecretsManager

if TYPE_CHECKING:
    from vectorgate.telemetry import Telemetry
    from vectorgate.settings import Settings
    from vectorgate.persistence import Stores
    from vectorgate.providers.http.outcome import Transport


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


@cache
def price_book(own: str | None = None) -> PriceBook:
    """The prices that ship with this release, after the deployment's own: a JSON array, or a file that holds one.

    ValueError or OSError when those cannot be used: a start with a wrong price list must not succeed.
    """
    if own is None:
        return PriceBook(shipped_prices())
    text = own if own.lstrip().startswith("[") else Path(own).read_text("utf-8")
    return PriceBook(shipped_prices(), own=read_prices(text))


@cache
def deployed_settings() -> Settings:
    """The function's own environment. Every start asks for it first, when all is imported and nothing is made yet.

    What was imported stays for ever: the collector looking through it again and again is a sixth of a cold start.
    """
    gc.freeze()
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
def deployed_secrets() -> SecretsManager:
    """The account's Secrets Manager."""
    settings = deployed_settings()
    return SecretsManager(region=settings.region, endpoint_url=settings.endpoint_url)


@cache
def deployed_credentials() -> Credentials:
    """The providers' credentials, cached for as long as the function's environment lives."""
    settings = deployed_settings()
    return Credentials(deployed_secrets(), settings.secrets, system_clock(), plain_http=settings.plain_http)


def deployed_ports(transport: Transport) -> Ports:
    """What the deployment has, with the way to the providers that its caller wants."""
    return Ports(
        stores=deployed_stores(),
        credentials=deployed_credentials(),
        transport=transport,
        telemetry=deployed_telemetry(),
        clock=system_clock(),
        chance=system_chance(),
    )
