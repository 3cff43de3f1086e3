"""The composition root: builds every application from its dependencies (`Deps`), for functions, local mode and tests.

`deployed_gateway` and the like are of the function's environment, built once; each imports what it builds.
"""

from __future__ import annotations

import math
import random
import time
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from vectorgate import settings as configuration
from vectorgate.aws.client import stored_text
from vectorgate.clock import Clock, Random
from vectorgate.ids import ProviderName

if TYPE_CHECKING:
    from vectorgate.admin.app import AdminApp
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.admin.master_key import MasterKey
    from vectorgate.budgets.service import BudgetService
    from vectorgate.exports.build import ExporterApp
    from vectorgate.gateway.call_limits import CallLimits
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.gateway.recorder import CallRecorder
    from vectorgate.gateway.surfaces import ApiSurface, OpenAISurface
    from vectorgate.ingest.sqs_handler import SqsBatchHandler
    from vectorgate.ledger.settlement import SettlementService
    from vectorgate.metering.worker import MeterWorker
    from vectorgate.persistence.dynamodb import DynamoTable
    from vectorgate.persistence.stores import Deps, Stores
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.credentials import SecretsManager
    from vectorgate.providers.documents import ProviderDocuments as Reads
    from vectorgate.providers.reader import ProviderReader
    from vectorgate.settings import Settings
    from vectorgate.telemetry import Telemetry

# The rate up to which a request without a valid key gets a ledger row; beyond it, they have neither row nor log line.
ANONYMOUS_BURST: Final = 100
ANONYMOUS_PER_SECOND: Final = 10.0
SEARCH_PROVIDER: Final = ProviderName("azure_ai")  # Azure AI Search: the only one with another API than OpenAI's
_FILE_TOO_LARGE: Final = "File too large: the provider takes 512 MB."


def system_clock() -> Clock:
    """The system's clock."""
    return Clock(wall=time.time, monotonic=time.monotonic, sleep=time.sleep)


def system_random() -> Random:
    """The system's random generator, fit for keys."""
    return Random(bits=random.SystemRandom().getrandbits)


@cache
def price_book(own: str | None = None) -> PriceBook:
    """The release's prices, and the deployment's own before them: JSON, or the path of a file. ValueError, OSError."""
    from vectorgate.pricing.book import PriceBook, prices_of_calls, prices_of_models, read_prices, shipped_prices

    if own is None:
        return PriceBook(prices_of_calls(), models=prices_of_models)
    text = own if own.lstrip().startswith("[") else Path(own).read_text("utf-8")
    return PriceBook(shipped_prices(), own=read_prices(text))


def build_gateway(settings: Settings, deps: Deps, *, book: PriceBook | None = None) -> Gateway:
    """The request pipeline. `book`: other prices than those of the settings."""
    from vectorgate.auth.authenticate import Authenticator
    from vectorgate.gateway.pipeline import DEADLINE_SECONDS, Gateway
    from vectorgate.providers import configured_providers

    stores, prices = deps.stores, book or price_book(settings.prices)
    budgets = _budgets(deps, prices)
    return Gateway(
        clock=deps.clock,
        randomness=deps.randomness,
        authenticator=Authenticator(stores.keys, deps.clock, generated_only=settings.generated_keys),
        openai=_openai_surface(settings, stores),
        surfaces=_other_surfaces(settings, stores),
        budgets=budgets,
        recorder=_recorder(deps, prices, budgets),
        providers=configured_providers(settings.secrets),
        credentials=deps.credentials,
        transport=deps.transport,
        telemetry=deps.telemetry,
        deadline_seconds=settings.deadline_seconds or DEADLINE_SECONDS,
        response_seconds=settings.response_seconds or DEADLINE_SECONDS,
        upload_bytes_per_second=settings.upload_bytes_per_second or math.inf,
        store_rules=settings.store_rules,
    )


def _budgets(deps: Deps, book: PriceBook) -> BudgetService:
    from vectorgate.budgets.limits import CachedLimits
    from vectorgate.budgets.service import BudgetService

    return BudgetService(
        limits=CachedLimits(deps.stores.budgets, deps.clock),
        store=deps.stores.budgets,
        ownership=deps.stores.ownership,
        book=book,
        telemetry=deps.telemetry,
    )


def _recorder(deps: Deps, book: PriceBook, budgets: BudgetService) -> CallRecorder:
    from vectorgate.auth.token_bucket import TokenBucket
    from vectorgate.gateway.recorder import CallRecorder
    from vectorgate.idempotency.service import IdempotencyService

    return CallRecorder(
        ledger=deps.stores.ledger,
        idempotency=IdempotencyService(deps.stores.ledger, deps.clock),
        budgets=budgets,
        book=book,
        clock=deps.clock,
        telemetry=deps.telemetry,
        anonymous_limiter=TokenBucket(deps.clock, burst=ANONYMOUS_BURST, per_second=ANONYMOUS_PER_SECOND),
        limits=cache(lambda: _call_limits(deps)),
    )


def _call_limits(deps: Deps) -> CallLimits:
    from vectorgate.gateway.call_limits import CallLimits

    return CallLimits(deps.stores.rates, deps.clock, deps.telemetry)


def build_reader(settings: Settings, deps: Deps) -> ProviderReader:
    """The reader of providers for background tasks."""
    from vectorgate.providers import configured_providers
    from vectorgate.providers.reader import ProviderReader

    return ProviderReader(
        providers=configured_providers(settings.secrets),
        credentials=deps.credentials,
        transport=deps.transport,
        clock=deps.clock,
        randomness=deps.randomness,
    )


def build_meter(settings: Settings, deps: Deps) -> MeterWorker:
    """The meter's worker. It samples all configured providers that charge storage by the GiB-day."""
    from vectorgate.metering.build import build_worker
    from vectorgate.provider_bill.build import build_bill

    book, reader = price_book(settings.prices), build_reader(settings, deps)
    return build_worker(
        deps,
        reader=reader,
        providers=[name for name in reader.providers if name != SEARCH_PROVIDER],
        book=book,
        settlement=build_settlement(settings, deps.stores, deps.telemetry),
        bill=build_bill(settings, deps, book),
    )


def build_settlement(settings: Settings, stores: Stores, telemetry: Telemetry) -> SettlementService:
    """The service that settles answered rows."""
    from vectorgate.ledger.settlement import SettlementService

    return SettlementService(stores.ledger, price_book(settings.prices), telemetry)


def build_admin_deps(
    settings: Settings, stores: Stores, clock: Clock, randomness: Random, reads: Reads, *, told: Gateway | None = None
) -> AdminDeps:
    """What the admin app needs. `reads`: of providers. `told`: a gateway whose caches are emptied by each change."""
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.persistence.announcing import announcing

    stores = announcing(stores, told.forget) if told is not None else stores
    book, provider, days = price_book(settings.prices), settings.default_provider, settings.record_days
    return AdminDeps(stores, clock, randomness, book, reads, provider, record_days=days)


def _openai_surface(settings: Settings, stores: Stores) -> OpenAISurface:
    from vectorgate.gateway.limits import Limits
    from vectorgate.gateway.surfaces import OpenAISurface
    from vectorgate.tenancy.slots import TenantSlots

    return OpenAISurface(
        ownership=stores.ownership,
        slots=TenantSlots(),
        providers=[name for name in settings.secrets if name != SEARCH_PROVIDER],
        limits=Limits(max_upload=settings.max_upload, too_large=settings.too_large),
    )


def _other_surfaces(settings: Settings, stores: Stores) -> tuple[ApiSurface, ...]:
    """Azure AI Search, if it is configured. Otherwise OpenAI's surface answers that it is not."""
    if SEARCH_PROVIDER not in settings.secrets:
        return ()
    from vectorgate.api.operations import BATCH_BODY
    from vectorgate.azure_search.surface import AzureSearchSurface

    max_body = max(settings.max_upload, BATCH_BODY)
    return (AzureSearchSurface(provider=SEARCH_PROVIDER, indexes=stores.indexes, max_body=max_body),)


@cache
def deployed_settings() -> Settings:
    """The settings in the function's environment."""
    return configuration.from_environment(stored_text)


@cache
def deployed_telemetry() -> Telemetry:
    """The function's logger and metrics, as CloudWatch reads them."""
    from vectorgate.telemetry import PowertoolsTelemetry

    settings = deployed_settings()
    return PowertoolsTelemetry.of(settings.service, successes_percent=settings.logged_successes_percent)


@cache
def deployed_table() -> DynamoTable:
    """The deployment's table. Its client is made now."""
    from vectorgate.persistence.dynamodb import DynamoTable

    settings, clock, randomness = deployed_settings(), system_clock(), system_random()
    region, endpoint_url = settings.region, settings.endpoint_url
    table = DynamoTable(settings.table, clock=clock, randomness=randomness, region=region, endpoint_url=endpoint_url)
    return table.opened()


@cache
def deployed_stores() -> Stores:
    """All ports on the deployment's table."""
    from vectorgate.persistence.dynamodb import stores_of

    settings = deployed_settings()
    order, days = settings.exported_in_order, settings.record_days
    return stores_of(deployed_table(), exported_in_order=order, record_days=days)


@cache
def deployed_secrets() -> SecretsManager:
    """The account's Secrets Manager."""
    from vectorgate.providers.credentials import SecretsManager

    settings = deployed_settings()
    return SecretsManager(region=settings.region, endpoint_url=settings.endpoint_url).opened()


def deployed_deps(*, max_content: int | None = None) -> Deps:
    """The deployment's dependencies. `max_content`: the most bytes of a file's content that the function can return."""
    from vectorgate.persistence.stores import Deps
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.transport import MAX_CONTENT, PooledTransport

    settings, clock = deployed_settings(), system_clock()
    return Deps(
        stores=deployed_stores(),
        credentials=Credentials(deployed_secrets(), settings.credential_names, clock, plain_http=settings.plain_http),
        transport=PooledTransport(clock, most_content=MAX_CONTENT if max_content is None else max_content),
        telemetry=deployed_telemetry(),
        clock=clock,
        randomness=system_random(),
    )


@cache
def deployed_gateway(*, streams: bool = False) -> Gateway:
    """The pipeline of the api function and of the invoke function; `streams`: of the stream function."""
    from vectorgate.api.http import MAX_LAMBDA_RESPONSE, MAX_LAMBDA_STREAM
    from vectorgate.api.schemas import models  # noqa: F401 - of most requests: the first one does not wait for it

    most = MAX_LAMBDA_STREAM if streams else MAX_LAMBDA_RESPONSE
    return build_gateway(deployed_settings(), deployed_deps(max_content=most))


@cache
def deployed_settlement() -> SettlementService:
    """The settlement service of the usage logger function."""
    return build_settlement(deployed_settings(), deployed_stores(), deployed_telemetry())


@cache
def deployed_meter() -> MeterWorker:
    """The worker of the meter function."""
    return build_meter(deployed_settings(), deployed_deps())


def deployed_admin() -> AdminApp:
    """The admin app with the current master key, built at each invocation: keys rotate. ValueError without one."""
    make, master_key = deployed_admin_parts()
    return make(master_key=master_key.current())


@cache
def deployed_admin_parts() -> tuple[partial[AdminApp], MasterKey]:
    """The admin app but for its master key, and what reads that. ValueError."""
    from vectorgate.admin.app import AdminApp
    from vectorgate.admin.exporter_function import ExporterFunction
    from vectorgate.admin.master_key import MasterKey
    from vectorgate.admin.meter_function import MeterFunction
    from vectorgate.admin.sqs_dead_letters import SqsDeadLetters
    from vectorgate.api.schemas import fields  # noqa: F401 - of every change: the first one does not wait for it

    settings, clock = deployed_settings(), system_clock()
    if settings.master_key_secret is None:
        raise ValueError("the setting VECTORGATE_MASTER_KEY_SECRET is missing")
    master_key = MasterKey(deployed_secrets(), settings.master_key_secret, clock)
    deps = build_admin_deps(settings, deployed_stores(), clock, system_random(), MeterFunction.of(settings))
    deps = replace(deps, exports=ExporterFunction(settings), dead_letters=SqsDeadLetters(settings))
    return partial(AdminApp, deps=deps, telemetry=deployed_telemetry()), master_key


@cache
def deployed_ingest() -> SqsBatchHandler:
    """The handler of the ingest function. ValueError without its settings."""
    from vectorgate.api.operations import UPLOAD_BODY
    from vectorgate.ingest.build import build_handler

    settings = replace(deployed_settings(), max_upload=UPLOAD_BODY, too_large=_FILE_TOO_LARGE)
    if settings.ingest is None:
        raise ValueError("the settings VECTORGATE_INGEST_BUCKET, _BUS, _QUEUE and _FAILURES are missing")
    deps = deployed_deps()
    return build_handler(settings, settings.ingest, deps, build_gateway(settings, deps))


@cache
def deployed_exporter() -> ExporterApp:
    """The app of the exporter function. ValueError for a destination without its settings."""
    from vectorgate.exports import settings as exports
    from vectorgate.exports.build import ExporterDeps, build_exporter
    from vectorgate.exports.composition import AlertSources, Egress
    from vectorgate.persistence.dynamodb.alerts import DynamoAlertLog
    from vectorgate.providers.http.transport import PooledTransport

    settings, stores, clock, chosen = deployed_settings(), deployed_stores(), system_clock(), exports.from_environment()
    secrets, transport = deployed_secrets(), PooledTransport(clock)
    egress = Egress(transport, secrets, chosen.secrets, clock, plain_http=settings.plain_http)
    sources = AlertSources(stores.keys, stores.budgets, DynamoAlertLog(deployed_table()))
    deps = ExporterDeps(stores.ledger, egress, sources, system_random(), deployed_telemetry())
    return build_exporter(settings, chosen, deps)
