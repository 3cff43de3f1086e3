"""From adoption on, a store's bytes are its team's, and the day of all owners comes to the provider's bill."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

from tests.fakes.secret_source import FakeSecretSource
from tests.fakes.telemetry import CrashTelemetry
from tests.simulation.environment import NO_FAULTS, SimulatedEnvironment
from tests.simulation.provider import BASE_URL, SimulatedProvider
from vectorgate.admin.adoption import Adopter, Owner, Selection
from vectorgate.admin.provider_objects import ProviderObjects
from vectorgate.bootstrap import SEARCH_PROVIDER, build_admin_deps, build_meter, build_reader, price_book
from vectorgate.clock import Clock
from vectorgate.ids import ObjectKind, ProviderName
from vectorgate.ledger.ports import RecordQuery
from vectorgate.metering.bill import amount_of
from vectorgate.metering.model import DAY_S
from vectorgate.persistence.sqlite import open_stores
from vectorgate.persistence.stores import Deps
from vectorgate.pricing.book import GIB, STORAGE
from vectorgate.providers.credentials import Credentials
from vectorgate.providers.documents import ReaderDocuments
from vectorgate.settings import Settings

if TYPE_CHECKING:
    from vectorgate.ids import TenantId

OPENAI = ProviderName("openai")
MIDNIGHT = 20_516 * DAY_S
STORES, NOON = 300, DAY_S // 2


def test_the_day_of_an_adoption_is_divided_at_that_second_and_comes_to_the_providers_bill() -> None:
    environment = SimulatedEnvironment(1, rates=NO_FAULTS, now=float(MIDNIGHT), faultless=True)
    provider, stores = SimulatedProvider(environment), open_stores()
    settings = Settings(table="-", secrets={OPENAI: "secret"})
    clock = Clock(wall=lambda: environment.now, monotonic=lambda: environment.now, sleep=lambda _: None)
    credentials = Credentials(
        FakeSecretSource(json.dumps({"base_url": BASE_URL, "api_key": "sk-proj-0123456789"})), settings.secrets, clock
    )
    deps = Deps(
        stores=stores,
        credentials=credentials,
        transport=provider,
        telemetry=CrashTelemetry(),
        clock=clock,
        randomness=environment.randomness(),
    )
    meter = build_meter(settings, deps)
    for number in range(STORES):
        provider.make_store({"name": f"s{number}"}).resize(GIB + number, MIDNIGHT)
    meter.tick()
    environment.now = MIDNIGHT + NOON
    reads = ReaderDocuments(build_reader(settings, deps), without=SEARCH_PROVIDER)
    admin = build_admin_deps(settings, stores, clock, deps.randomness, reads)
    objects = ProviderObjects(reads, OPENAI, ObjectKind.VECTOR_STORE)
    adopter = Adopter(admin, objects, Selection(), Owner(team_id="red"))
    assert Counter(each.outcome for page in objects.pages(None) for each in adopter.adopted(page)) == {
        "adopted": STORES
    }
    environment.now = MIDNIGHT + DAY_S
    assert meter.sampler.tick() == 2 * STORES
    query = RecordQuery(start_ms=MIDNIGHT * 1_000, end_ms=MIDNIGHT * 1_000 + 1, limit=9_999)
    records = [row for row in stores.ledger.search(query) if row.operation == STORAGE]
    seconds: Counter[TenantId | None] = Counter()
    for row in records:
        seconds[row.tenant] += row.byte_seconds or 0
    half = sum(GIB + number for number in range(STORES)) * NOON
    assert seconds == {None: half, "team:red": half}
    price = price_book().price("openai", STORAGE, MIDNIGHT * 1_000)
    assert sum(row.spend or 0 for row in records) == amount_of(2 * half, price)
    stores.close()
