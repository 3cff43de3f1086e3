"""The composition root: everything that runs is put together here, from parts handed in or from the environment.

::

    Deps                      stores, credentials, transport, telemetry, clock, randomness: what lies outside
    build_gateway, ...        an application around such parts: what deployed functions, local mode and tests all call
    deployed_gateway, ...     the same around a deployed function's environment, made once and kept

A function of this module imports what it puts together when it is called: a cold start pays for its own parts alone.
"""

from __future__ import annotations

import gc
import random
import time
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vectorgate import settings as configuration
from vectorgate.clock import Clock, Random
from vectorgate.ids import ProviderName

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.admin.app import AdminApp
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.master_key import MasterKey
    from vectorgate.entrypoints.invoke.invocations import InvokeHandler
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.gateway.surfaces import ApiSurface, OpenAISurface
    from vectorgate.ingest.sqs_handler import SqsBatchHandler
    from vectorgate.ledger.settlement import SettlementService
    from vectorgate.metering.worker import MeterWorker
    from vectorgate.persistence.stores import Stores
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.base import Provider
    from vectorgate.providers.credentials import Credentials, SecretsManager
    from vectorgate.providers.http.outcome import Transport
    from vectorgate.providers.reader import ProviderReader
    from vectorgate.settings import Settings
    from vectorgate.telemetry import Telemetry

# Refused requests without a valid key leave a row each as long as they come at this rate; beyond it they are counted.
ANONYMOUS_BURST: Final = 100
ANONYMOUS_PER_SECOND: Final = 10.0
SEARCH_PROVIDER: Final = ProviderName("azure_ai")  # Azure AI Search: the one that does not speak OpenAI's API
_FILE_TOO_LARGE: Final = "File too large: the provider takes 512 MB."


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What a composition hands to what it builds: everything that lies outside, time and randomness included."""

    stores: Stores
    credentials: Credentials
    transport: Transport
    telemetry: Telemetry
    clock: Clock
    randomness: Random


def system_clock() -> Clock:
    """The machine's own time."""
    return Clock(wall=time.time, monotonic=time.monotonic, sleep=time.sleep)


def system_random() -> Random:
    """The machine's own randomness, fit for keys."""
    return Random(bits=random.SystemRandom().getrandbits)


@cache
def price_book(own: str | None = None) -> PriceBook:
    """The prices that ship with this release, after the deployment's own: a JSON array, or a file that holds one.

    ValueError or OSError when those cannot be used: a start with a wrong price list must not succeed.
    """
    from vectorgate.pricing.book import PriceBook, read_prices, shipped_prices

    if own is None:
        return PriceBook(shipped_prices())
    text = own if own.lstrip().startswith("[") else Path(own).read_text("utf-8")
    return PriceBook(shipped_prices(), own=read_prices(text))


def build_gateway(settings: Settings, deps: Deps, *, book: PriceBook | None = None) -> Gateway:
    """The request pipeline. `book`: the prices, where they are not the ones that the settings name."""
    from vectorgate.auth.authenticate import Authenticator
    from vectorgate.auth.token_bucket import TokenBucket
    from vectorgate.budgets.limits import CachedLimits
    from vectorgate.budgets.service import BudgetService
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.gateway.recorder import CallRecorder
    from vectorgate.idempotency.service import IdempotencyService

    stores, clock, telemetry = deps.stores, deps.clock, deps.telemetry
    prices = book if book is not None else price_book(settings.prices)
    budgets = BudgetService(
        limits=CachedLimits(stores.budgets, clock),
        store=stores.budgets,
        ownership=stores.ownership,
        book=prices,
        telemetry=telemetry,
    )
    recorder = CallRecorder(
        ledger=stores.ledger,
        idempotency=IdempotencyService(stores.ledger, clock),
        budgets=budgets,
        book=prices,
        clock=clock,
        telemetry=telemetry,
        anonymous_limiter=TokenBucket(clock, burst=ANONYMOUS_BURST, per_second=ANONYMOUS_PER_SECOND),
    )
    return Gateway(
        clock=clock,
        randomness=deps.randomness,
        authenticator=Authenticator(stores.keys, clock),
        openai=_openai_surface(settings, stores),
        surfaces=_other_surfaces(settings, stores),
        budgets=budgets,
        recorder=recorder,
        providers=_providers(settings.secrets),
        credentials=deps.credentials,
        transport=deps.transport,
        telemetry=telemetry,
    )


def build_reader(settings: Settings, deps: Deps) -> ProviderReader:
    """What reads from the providers without a client's request."""
    from vectorgate.providers.reader import ProviderReader

    return ProviderReader(
        providers=_providers(settings.secrets),
        credentials=deps.credentials,
        transport=deps.transport,
        clock=deps.clock,
        randomness=deps.randomness,
    )


def build_meter(settings: Settings, deps: Deps) -> MeterWorker:
    """The meter's worker. It samples every configured provider that stores vectors by the GiB-day."""
    from vectorgate.ledger.reconciliation import Reconciler
    from vectorgate.metering.accounts import Accounts
    from vectorgate.metering.sampler import Sampler
    from vectorgate.metering.worker import MeterWorker

    stores, clock, telemetry = deps.stores, deps.clock, deps.telemetry
    reader = build_reader(settings, deps)
    return MeterWorker(
        reconciler=Reconciler(
            ledger=stores.ledger, ownership=stores.ownership, reader=reader, clock=clock, telemetry=telemetry
        ),
        sampler=Sampler(
            clock=clock,
            meters=stores.meters,
            ownership=stores.ownership,
            ledger=stores.ledger,
            accounts=Accounts(stores.keys, stores.budgets),
            book=price_book(settings.prices),
            providers=[name for name in reader.providers if name != SEARCH_PROVIDER],
            reader=reader,
            telemetry=telemetry,
        ),
        settlement=build_settlement(settings, stores, telemetry),
        clock=clock,
        telemetry=telemetry,
    )


def build_settlement(settings: Settings, stores: Stores, telemetry: Telemetry) -> SettlementService:
    """What prices answered rows and settles them."""
    from vectorgate.ledger.settlement import SettlementService

    return SettlementService(stores.ledger, price_book(settings.prices), telemetry)


def build_admin_deps(settings: Settings, stores: Stores, clock: Clock, randomness: Random) -> AdminDeps:
    """What an administrator's requests need."""
    from vectorgate.admin.deps import AdminDeps

    return AdminDeps(stores=stores, clock=clock, randomness=randomness, book=price_book(settings.prices))


def _openai_surface(settings: Settings, stores: Stores) -> OpenAISurface:
    from vectorgate.gateway.parser import Limits
    from vectorgate.gateway.surfaces import OpenAISurface

    return OpenAISurface(
        ownership=stores.ownership,
        providers=[name for name in settings.secrets if name != SEARCH_PROVIDER],
        limits=Limits(max_upload=settings.max_upload, too_large=settings.too_large),
    )


def _other_surfaces(settings: Settings, stores: Stores) -> tuple[ApiSurface, ...]:
    """Without a search service, Azure AI Search's paths are unknown ones of OpenAI's API."""
    if SEARCH_PROVIDER not in settings.secrets:
        return ()
    from vectorgate.api.operations import BATCH_BODY
    from vectorgate.azure_search.surface import AzureSearchSurface

    most = max(settings.max_upload, BATCH_BODY)
    return (AzureSearchSurface(provider=SEARCH_PROVIDER, indexes=stores.indexes, max_body=most),)


def _provider(name: ProviderName) -> Provider:
    match name:
        case "openai":
            from vectorgate.providers.openai import OpenAI

            return OpenAI(name)
        case "azure":
            from vectorgate.providers.azure_openai import AzureOpenAI

            return AzureOpenAI(name)
        case "azure_ai":
            from vectorgate.providers.azure_search import AzureAISearch

            return AzureAISearch(name)
    raise ValueError(f"unknown provider: {name}")


def _providers(secrets: Mapping[ProviderName, str]) -> Mapping[ProviderName, Provider]:
    if not secrets:
        raise ValueError("no provider is configured")
    return {name: _provider(name) for name in secrets}


@cache
def deployed_settings() -> Settings:
    """The function's own environment. Every start asks for it first, when all is imported and nothing is made yet.

    What was imported stays for ever: the collector looking through it again and again is a sixth of a cold start.
    """
    gc.freeze()
    return configuration.from_environment()


@cache
def deployed_telemetry() -> Telemetry:
    """One logger and one set of metrics a function, as CloudWatch reads them."""
    from aws_lambda_powertools import Logger, Metrics

    from vectorgate.telemetry import NAMESPACE, PowertoolsTelemetry

    return PowertoolsTelemetry(Logger(service=NAMESPACE), Metrics(namespace=NAMESPACE, service=NAMESPACE))


@cache
def deployed_stores() -> Stores:
    """The deployment's table."""
    from vectorgate.persistence.dynamodb import open_stores

    settings = deployed_settings()
    return open_stores(
        settings.table,
        clock=system_clock(),
        randomness=system_random(),
        region=settings.region,
        endpoint_url=settings.endpoint_url,
    )


@cache
def deployed_secrets() -> SecretsManager:
    """The account's Secrets Manager."""
    from vectorgate.providers.credentials import SecretsManager

    settings = deployed_settings()
    return SecretsManager(region=settings.region, endpoint_url=settings.endpoint_url)


def deployed_deps(*, max_content: int | None = None) -> Deps:
    """What the deployment has. `max_content`: bytes of a file's content that the function can hand on."""
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.transport import MAX_CONTENT, PooledTransport

    settings, clock = deployed_settings(), system_clock()
    return Deps(
        stores=deployed_stores(),
        credentials=Credentials(deployed_secrets(), settings.secrets, clock, plain_http=settings.plain_http),
        transport=PooledTransport(clock, most_content=MAX_CONTENT if max_content is None else max_content),
        telemetry=deployed_telemetry(),
        clock=clock,
        randomness=system_random(),
    )


@cache
def deployed_gateway() -> Gateway:
    """The api function, and the pipeline of the invoke function."""
    from vectorgate.api.http import MAX_LAMBDA_RESPONSE

    return build_gateway(deployed_settings(), deployed_deps(max_content=MAX_LAMBDA_RESPONSE))


@cache
def deployed_invoke() -> InvokeHandler:
    """The invoke function."""
    from vectorgate.entrypoints.invoke.invocations import InvokeHandler

    return InvokeHandler(deployed_gateway(), trusts_invoker=deployed_settings().trust_invoker)


@cache
def deployed_settlement() -> SettlementService:
    """The async logging function."""
    return build_settlement(deployed_settings(), deployed_stores(), deployed_telemetry())


@cache
def deployed_meter() -> MeterWorker:
    """The meter function."""
    return build_meter(deployed_settings(), deployed_deps())


def deployed_admin() -> AdminApp:
    """The admin function, with the master key of this moment. ValueError when there is none, or an empty one.

    Asked for at every invocation, so that a key which was rotated gets by itself to environments that are running.
    """
    from vectorgate.admin.app import AdminApp

    return AdminApp(master_key=_master_key().current(), deps=_admin_deps(), telemetry=deployed_telemetry())


@cache
def _master_key() -> MasterKey:
    from vectorgate.admin.master_key import MasterKey

    name = deployed_settings().master_key_secret
    if name is None:
        raise ValueError("the setting VECTORGATE_MASTER_KEY_SECRET is missing")
    return MasterKey(deployed_secrets(), name, system_clock())


@cache
def _admin_deps() -> AdminDeps:
    return build_admin_deps(deployed_settings(), deployed_stores(), system_clock(), system_random())


@cache
def deployed_ingest() -> SqsBatchHandler:
    """The ingest function."""
    from vectorgate.api.operations import UPLOAD_BODY
    from vectorgate.ingest.aws import Clients, EventBridgeBus, S3Objects, SqsQueue
    from vectorgate.ingest.ingestor import Ingestor
    from vectorgate.ingest.sqs_handler import SqsBatchHandler

    given = deployed_settings()
    places = given.ingest
    if places is None:
        raise ValueError("the settings VECTORGATE_INGEST_BUCKET, _BUS, _QUEUE and _FAILURES are missing")
    settings = replace(given, max_upload=UPLOAD_BODY, too_large=_FILE_TOO_LARGE)
    deps = deployed_deps()
    clients = Clients(region=settings.region, endpoint_url=settings.endpoint_url)
    ingestor = Ingestor(
        gateway=build_gateway(settings, deps),
        store=deps.stores.ingest,
        objects=S3Objects(clients),
        bus=EventBridgeBus(clients, places.bus, clock=deps.clock, randomness=deps.randomness),
        senders=settings.senders,
        buckets={places.bucket},
        clock=deps.clock,
    )
    queue = SqsQueue(clients, queue_url=places.queue_url, failures_url=places.failures_url)
    return SqsBatchHandler(ingestor, queue, deps.telemetry, deps.clock)
