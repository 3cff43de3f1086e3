"""Ticks of the meter against a simulated provider: what is charged, to whom, and what comes twice or never."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.factories.ledger import answered_row
from tests.fakes.telemetry import CrashTelemetry
from tests.simulation.environment import NO_FAULTS, SimulatedEnvironment
from tests.simulation.provider import BASE_URL, SimulatedProvider
from vectorgate.api.errors import ApiError
from vectorgate.api.operations import OPERATIONS
from vectorgate.api.safety import Safety
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.bootstrap import build_meter, price_book
from vectorgate.budgets.model import Account, Balance, BudgetScope, Limit, Subject
from vectorgate.clock import Clock
from vectorgate.ids import KeyId, ObjectId, ObjectKind, ProviderName, TenantId
from vectorgate.ledger.entry import uuid7
from vectorgate.ledger.ports import RecordQuery
from vectorgate.ledger.settlement import SettlementService
from vectorgate.metering.model import DAY_S
from vectorgate.metering.sampler import CHANGING
from vectorgate.persistence.sqlite import open_stores
from vectorgate.persistence.stores import Deps
from vectorgate.pricing.book import GIB
from vectorgate.pricing.money import NanoUSD
from vectorgate.pricing.usage import MAX_SIZE
from vectorgate.providers.credentials import Credentials
from vectorgate.providers.openai import OpenAI
from vectorgate.providers.reader import ProviderReader
from vectorgate.settings import Settings
from vectorgate.store_errors import StateConflict, StoreUnavailable
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.ids import OperationId
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.sqlite import SqliteLedger
    from vectorgate.persistence.stores import Stores
    from vectorgate.providers.reader import Document

OPENAI = ProviderName("openai")
MIDNIGHT = 20_516 * DAY_S


class FakeSecretSource:
    """The secret."""

    def read(self, name: str) -> str:
        return (
            "{}" if name == "malformed" else json.dumps({"base_url": BASE_URL, "api_key": f"sk-proj-{name}-0123456789"})
        )


class Counting(CrashTelemetry):
    """Telemetry that remembers what was counted."""

    def __init__(self) -> None:
        super().__init__()
        self.counted: list[str] = []

    def count(self, name: str, value: int = 1) -> None:
        del value
        self.counted.append(name)

    def task_failed(self, metric: str, error: Exception, entry: LedgerEntry | None = None) -> None:
        del error, entry
        self.counted.append(metric)


@dataclass
class Scene:
    """A provider, a meter, and a ledger."""

    stores: Stores = field(default_factory=open_stores)
    world: SimulatedEnvironment = field(
        default_factory=lambda: SimulatedEnvironment(1, rates=NO_FAULTS, now=float(MIDNIGHT), faultless=True)
    )
    telemetry: Counting = field(default_factory=Counting)

    def __post_init__(self) -> None:
        self.truth = SimulatedProvider(self.world)
        settings = Settings(table="-", secrets={OPENAI: "secret"})
        clock = Clock(wall=lambda: self.world.now, monotonic=lambda: self.world.now, sleep=lambda _: None)
        self.meter = build_meter(
            settings,
            Deps(
                stores=self.stores,
                credentials=Credentials(FakeSecretSource(), settings.secrets, clock),
                transport=self.truth,
                telemetry=self.telemetry,
                clock=clock,
                randomness=self.world.randomness(),
            ),
        )
        self.sampler = self.meter.sampler

    def store(self, name: str, size: int, *, tenant: str | None = "team:red") -> str:
        made = self.truth.make_store({"name": name})
        made.size = size
        if tenant is not None:
            row = Ownership(
                ref=ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, ObjectId(made.id)),
                tenant=TenantId(tenant),
                key_id=KeyId("k"),
                created_at=made.created_at,
                end_user="u",
            )
            cast("SqliteLedger", self.stores.ledger).insert_ownership([row])
        return made.id

    def retire(self, seconds: int) -> None:
        """Whatever is owned was deleted through the gateway, so long after the first midnight."""
        database = cast("SqliteLedger", self.stores.ledger)._database
        database.change("UPDATE ownership SET retired_at = ?", (MIDNIGHT + seconds,))

    def at(self, seconds: float) -> int:
        """Let it be so long after the first midnight, and tick."""
        self.world.now = MIDNIGHT + seconds
        return self.sampler.tick()

    def records(self) -> list[LedgerEntry]:
        SettlementService(self.stores.ledger, price_book(), self.telemetry).settle_waiting(1_000)
        query = RecordQuery(start_ms=(MIDNIGHT - 30 * DAY_S) * 1000, end_ms=(MIDNIGHT + 30 * DAY_S) * 1000, limit=1_000)
        rows = self.stores.ledger.search(query)
        return sorted(rows, key=lambda row: (row.started_ms, row.vector_store_id or ""))

    def change(self, operation: str, seconds: int) -> None:
        """Such a request passed through the gateway, so long after the first midnight."""
        started_ms = (MIDNIGHT + seconds) * 1000
        row = answered_row(seconds, operation=operation)
        self.stores.ledger.begin(row.changed(id=uuid7(started_ms, seconds), started_ms=started_ms))

    def waiting(self, seconds: int) -> OperationId:
        """A row that was answered so long ago, and is not settled."""
        began_ms = int(self.world.now - seconds) * 1000
        row = answered_row(seconds).changed(id=uuid7(began_ms, seconds), started_ms=began_ms)
        self.stores.ledger.begin(row)
        return row.id

    def sizes(self) -> list[int]:
        """What the last look saw."""
        return [meter.size for meter in self.stores.meters.meters(OPENAI)]


@pytest.fixture
def scene() -> Iterator[Scene]:
    made = Scene()
    yield made
    made.stores.close()


def test_a_day_is_charged_once_it_is_over_to_the_owners_of_its_stores(scene: Scene) -> None:
    mine = scene.store("mine", 3 * GIB)
    foreign = scene.store("foreign", GIB, tenant=None)
    assert [scene.at(seconds) for seconds in (0, 3_600, 50_000, DAY_S - 1)] == [0, 0, 0, 0]
    assert scene.at(DAY_S) == 2
    first, second = sorted(scene.records(), key=lambda row: row.tenant or "", reverse=True)
    assert (first.vector_store_id, first.tenant, first.key_id, first.end_user) == (mine, "team:red", "k", "u")
    assert (first.spend, first.byte_seconds) == (225_000_000, 3 * GIB * DAY_S)
    assert (second.vector_store_id, second.tenant, second.spend) == (foreign, None, 75_000_000)
    assert first.state == second.state == "settled"


def test_ticks_that_come_twice_or_never_change_nothing(scene: Scene) -> None:
    scene.store("mine", 2 * GIB)
    scene.at(0)
    # A week of silence, then three ticks at once.
    assert [scene.at(7 * DAY_S + 5), scene.sampler.sample(OPENAI), scene.at(7 * DAY_S + 5)] == [7, 0, 0]
    assert [row.spend for row in scene.records()] == [100_000_000] * 7


def test_a_store_that_was_deleted_through_us_stops_at_that_second(scene: Scene) -> None:
    name = scene.store("mine", GIB * 100)
    scene.at(0)
    scene.truth.stores[name].deleted_at = MIDNIGHT + 600
    scene.retire(600)
    scene.at(4_000)
    scene.at(DAY_S)
    (record,) = scene.records()
    assert record.byte_seconds == GIB * 100 * 600
    assert list(scene.stores.meters.meters(OPENAI)) == []


def test_a_list_that_still_shows_what_was_deleted_through_us_costs_nothing(scene: Scene) -> None:
    name = scene.store("mine", GIB)
    scene.at(0)
    scene.retire(600)
    scene.at(4_000)
    scene.truth.stores[name].deleted_at = MIDNIGHT + 600
    scene.at(8_000)
    scene.at(DAY_S)
    assert [row.byte_seconds for row in scene.records()] == [GIB * 600]


def test_a_meter_is_written_when_its_size_changes_and_at_midnight(scene: Scene) -> None:
    scene.store("still", GIB)
    changing = scene.store("changing", GIB)
    for seconds in range(0, 40_000, 4_000):
        scene.truth.stores[changing].size += seconds
        scene.at(seconds)
    versions = {meter.id: meter.version for meter in scene.stores.meters.meters(OPENAI)}
    assert sorted(versions.values()) == [1, 10]
    scene.at(DAY_S)
    assert sorted(meter.version for meter in scene.stores.meters.meters(OPENAI)) == [3, 12]  # sampled, and charged
    (one, other) = scene.records()
    assert {one.byte_seconds, other.byte_seconds} >= {GIB * DAY_S}


def test_a_tick_that_was_cut_short_while_it_charged_goes_on_where_it_was(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        scene.store(f"s{number}", GIB)
    scene.at(0)
    begin = scene.stores.ledger.begin
    begun: list[OperationId] = []
    ends = True

    def account_ref(record: LedgerEntry) -> None:
        if ends and len(begun) == 2:
            raise StoreUnavailable("simulated")
        begin(record)
        begun.append(record.id)

    monkeypatch.setattr(scene.stores.ledger, "begin", account_ref)
    assert scene.at(DAY_S) == 0
    ends = False
    assert scene.at(DAY_S + 60) == 3
    assert len(begun) == len(set(begun)) == 5


def test_a_store_that_vanished_stops_when_it_is_missed(scene: Scene) -> None:
    name = scene.store("mine", GIB)
    scene.at(0)
    scene.truth.stores[name].deleted_at = MIDNIGHT + 600
    scene.at(4_000)
    scene.at(DAY_S)
    assert [row.byte_seconds for row in scene.records()] == [GIB * 4_000]


def test_a_store_that_expired_stops_at_that_second(scene: Scene) -> None:
    name = scene.store("mine", GIB)
    scene.at(0)
    scene.truth.stores[name].expires_at = MIDNIGHT + 50
    scene.at(4_000)
    for day in (1, 2, 3):
        scene.at(day * DAY_S)
    assert [row.byte_seconds for row in scene.records()] == [GIB * 50]


@pytest.mark.parametrize("figure", [0, -5, True, "soon", 0.5, MIDNIGHT - 1])
def test_a_moment_that_makes_no_sense_is_quarantined_and_ends_nothing(scene: Scene, figure: Any) -> None:
    name = scene.store("mine", GIB)
    scene.truth.stores[name].expires_at = figure
    scene.at(0)
    scene.at(DAY_S)
    assert "QuarantinedMoments" in scene.telemetry.counted
    assert [row.byte_seconds for row in scene.records()] == [GIB * DAY_S]


@pytest.mark.parametrize("listed", [None, {}, [None, "x", {"id": []}], [{"id": "../b"}]])
def test_nothing_is_concluded_from_a_list_that_makes_no_sense(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, listed: Any
) -> None:
    scene.store("mine", GIB)
    scene.at(0)
    monkeypatch.setattr(scene.truth, "_page", lambda _query: {"object": "list", "data": listed, "has_more": True})
    with pytest.raises(ApiError):
        scene.sampler.sample(OPENAI)
    assert scene.sizes() == [GIB]


def test_a_provider_that_fails_leaves_the_others_alone(scene: Scene) -> None:
    scene.store("mine", GIB)
    broken = ProviderName("broken")
    providers = {broken: OpenAI(broken), OPENAI: OpenAI()}
    credentials = Credentials(FakeSecretSource(), {broken: "malformed", OPENAI: "secret"}, scene.sampler.clock)
    reader = replace(scene.sampler.reader, providers=providers, credentials=credentials)
    replace(scene.sampler, providers=list(providers), reader=reader).tick()
    assert scene.telemetry.counted == ["MeterFailures"]
    assert scene.sizes() == [GIB]


def test_a_list_that_outlasts_a_tick_leaves_every_other_tick_to_the_others(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The end of a function's time."""

    scene.store("mine", GIB)
    slow, pages = ProviderName("slow"), ProviderReader.pages

    def killed(
        reader: ProviderReader, provider: ProviderName, operation: str, *, order: str
    ) -> Iterator[list[Document]]:
        if provider == slow:
            raise Killed
        return pages(reader, provider, operation, order=order)

    monkeypatch.setattr(ProviderReader, "pages", killed)
    providers = {slow: OpenAI(slow), OPENAI: OpenAI()}
    reader = replace(scene.sampler.reader, providers=providers)
    sampler = replace(scene.sampler, providers=list(providers), reader=reader)
    for _ in range(2):
        with pytest.raises(Killed):
            sampler.tick()
        scene.world.now += 60
    assert scene.sizes() == [GIB]


def test_a_list_that_forgets_a_store_is_not_believed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene.store("mine", GIB)
    scene.at(0)
    monkeypatch.setattr(scene.truth, "_page", lambda _query: {"object": "list", "data": [], "has_more": False})
    scene.at(4_000)
    monkeypatch.undo()
    scene.at(DAY_S)
    assert [row.byte_seconds for row in scene.records()] == [GIB * DAY_S]


def test_more_stores_than_a_call_lists(scene: Scene) -> None:
    for number in range(250):
        scene.store(f"s{number}", GIB)
    scene.at(0)
    assert scene.at(DAY_S) == 250
    records = scene.stores.ledger.answered(1_000)
    assert sum(row.spend or 0 for row in records) == 249 * 100_000_000


@pytest.mark.parametrize("figure", [-5, 0.5, "many", None, MAX_SIZE + 1])
def test_a_figure_that_makes_no_sense_is_quarantined(scene: Scene, figure: Any) -> None:
    name = scene.store("mine", GIB)
    scene.at(0)
    scene.truth.stores[name].size = figure
    scene.sampler.sample(OPENAI)
    scene.at(DAY_S)
    assert "QuarantinedSizes" in scene.telemetry.counted
    assert [row.byte_seconds for row in scene.records()] == [GIB * DAY_S]


def test_a_day_that_some_meter_does_not_know_yet_waits(scene: Scene) -> None:
    scene.store("mine", GIB)
    scene.at(0)
    (meter,) = scene.stores.meters.meters(OPENAI)
    assert scene.sampler._charge_days([meter, meter.sampled(0, MIDNIGHT + DAY_S)], MIDNIGHT + DAY_S) == 0


def test_of_two_ticks_at_once_one_gives_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    store = scene.store("mine", GIB)
    scene.at(0)
    before = list(scene.stores.meters.meters(OPENAI))
    scene.world.now += 60
    scene.truth.stores[store].size = 2 * GIB
    scene.sampler.sample(OPENAI)
    monkeypatch.setattr(scene.stores.meters, "meters", lambda _provider: before)
    with pytest.raises(StateConflict):
        scene.sampler.sample(OPENAI)
    assert scene.at(4_000) == 0
    assert "MeterFailures" in scene.telemetry.counted


def test_the_pause_grows_while_nothing_happens_and_ends_at_midnight(scene: Scene) -> None:
    scene.store("mine", GIB)
    dues = []
    for _ in range(9):
        scene.world.now = max(scene.world.now, scene.stores.meters.schedule(OPENAI).due)
        scene.sampler.tick()
        dues.append(scene.stores.meters.schedule(OPENAI).pause)
    assert dues == [60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]
    scene.world.now = MIDNIGHT + DAY_S - 5
    scene.sampler.sample(OPENAI)
    assert scene.stores.meters.schedule(OPENAI).due == MIDNIGHT + DAY_S


@pytest.mark.parametrize("operation", sorted(CHANGING))
def test_a_request_that_may_change_what_is_stored_ends_the_pause_at_the_next_tick(scene: Scene, operation: str) -> None:
    name = scene.store("mine", GIB)
    for seconds in (0, 60, 180):
        scene.at(seconds)  # the next look is due at 420
    scene.change(operation, 200)
    scene.truth.stores[name].size = 2 * GIB
    scene.at(240)
    assert scene.sizes() == [2 * GIB]


def test_every_request_that_adds_or_removes_files_of_a_store_ends_the_pause() -> None:
    below = ("vector_stores.files.", "vector_stores.file_batches.")
    quiet = {"vector_stores.files.update"}  # attributes; the bytes stay
    for operation in OPERATIONS:
        changes = operation.safety is not Safety.READ and operation.name.startswith(below)
        assert not changes or operation.name in CHANGING | quiet


@pytest.mark.parametrize(
    "operation", ["vector_stores.search", "uploads.parts.create", "uploads.cancel", "files.create"]
)
def test_what_changes_no_store_leaves_the_pause(scene: Scene, operation: str) -> None:
    name = scene.store("mine", GIB)
    for seconds in (0, 60, 180):
        scene.at(seconds)
    scene.change(operation, 200)
    scene.truth.stores[name].size = 2 * GIB
    scene.at(240)
    assert scene.sizes() == [GIB]
    scene.at(420)
    assert scene.sizes() == [2 * GIB]


def test_a_change_that_was_under_way_at_the_last_look_is_seen_at_the_next_tick(scene: Scene) -> None:
    name = scene.store("mine", GIB)
    for seconds in (0, 60):
        scene.at(seconds)
    scene.change("vector_stores.files.create", 155)
    scene.at(180)
    scene.truth.stores[name].size = 2 * GIB
    scene.at(240)
    assert scene.sizes() == [2 * GIB]


def test_a_store_without_an_owner_is_charged_to_its_owner_as_soon_as_there_is_one(scene: Scene) -> None:
    name = scene.store("mine", GIB, tenant=None)
    scene.at(0)
    row = Ownership(
        ref=ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, ObjectId(name)),
        tenant=TenantId("key:k"),
        key_id=KeyId("k"),
        created_at=0,
    )
    cast("SqliteLedger", scene.stores.ledger).insert_ownership([row])
    scene.at(DAY_S)
    assert [record.tenant for record in scene.records()] == ["key:k"]


def test_a_day_counts_against_the_budgets_that_its_owner_has_when_it_is_charged(scene: Scene) -> None:
    scene.stores.keys.add_key(
        VirtualKey(id=KeyId("k"), created_at=MIDNIGHT, max_budget=NanoUSD(1), budget_duration="1d")
    )
    red = Subject(BudgetScope.TEAM, "red")
    scene.store("mine", 3 * GIB)
    scene.at(0)
    scene.stores.budgets.add_limit(red, Limit(since=MIDNIGHT, soft_budget=NanoUSD(1), duration="1mo"))
    assert scene.at(DAY_S + 7_200) == 1
    assert [(row.budgets, row.spend) for row in scene.records()] == [(("key/2026-03-04", "team/2026-03-01"), 2 * 10**8)]
    accounts = [Account(Subject(BudgetScope.KEY, "k"), "2026-03-04"), Account(red, "2026-03-01")]
    assert scene.stores.budgets.balances(accounts) == dict.fromkeys(accounts, Balance(0, 2 * 10**8))


def test_a_day_whose_budgets_cannot_be_read_is_charged_by_a_later_tick(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.store("mine", 3 * GIB)
    scene.at(0)
    with monkeypatch.context() as patched:

        def unreadable(_: object) -> None:
            raise StoreUnavailable("simulated")

        patched.setattr(scene.stores.keys, "key", unreadable)
        assert scene.at(DAY_S) == 0
        assert scene.records() == []
    assert scene.at(DAY_S + 3_600) == 1
