"""Ticks of the meter against a simulated provider: what is charged, to whom, and what comes twice or never."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.fakes.secret_source import FakeSecretSource
from tests.harnesses.meter import MIDNIGHT, OPENAI, SECRET, MeterHarness
from vectorgate.api.errors import ApiError
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.budgets.model import Account, Balance, BudgetScope, Limit, Subject
from vectorgate.ids import KeyId, ObjectId, ObjectKind, ProviderName, TenantId
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import GIB
from vectorgate.pricing.money import NanoUSD
from vectorgate.pricing.usage import MAX_SIZE
from vectorgate.providers.credentials import Credentials
from vectorgate.providers.openai import OpenAI
from vectorgate.providers.reader import ProviderReader
from vectorgate.store_errors import StateConflict, StoreUnavailable
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.ids import OperationId
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.sqlite import SqliteLedger
    from vectorgate.providers.reader import Document


def test_a_day_is_charged_once_it_is_over_to_the_owners_of_its_stores(metering: MeterHarness) -> None:
    mine = metering.store("mine", 3 * GIB)
    foreign = metering.store("foreign", GIB, tenant=None)
    assert [metering.at(seconds) for seconds in (0, 3_600, 50_000, DAY_S - 1)] == [0, 0, 0, 0]
    assert metering.at(DAY_S) == 2
    first, second = sorted(metering.records(), key=lambda row: row.tenant or "", reverse=True)
    assert (first.vector_store_id, first.tenant, first.key_id, first.end_user) == (mine, "team:red", "k", "u")
    assert (first.spend, first.byte_seconds) == (225_000_000, 3 * GIB * DAY_S)
    assert (second.vector_store_id, second.tenant, second.spend) == (foreign, None, 75_000_000)
    assert first.state == second.state == "settled"


def test_ticks_that_come_twice_or_never_change_nothing(metering: MeterHarness) -> None:
    metering.store("mine", 2 * GIB)
    metering.at(0)
    # A week of silence, then three ticks at once.
    assert [metering.at(7 * DAY_S + 5), metering.sampler.sample(OPENAI), metering.at(7 * DAY_S + 5)] == [7, 0, 0]
    assert [row.spend for row in metering.records()] == [100_000_000] * 7


def test_a_store_that_was_deleted_through_us_stops_at_that_second(metering: MeterHarness) -> None:
    name = metering.store("mine", GIB * 100)
    metering.at(0)
    metering.provider.stores[name].deleted_at = MIDNIGHT + 600
    metering.retire(600)
    metering.at(4_000)
    metering.at(DAY_S)
    (record,) = metering.records()
    assert record.byte_seconds == GIB * 100 * 600
    assert list(metering.stores.meters.meters(OPENAI)) == []


def test_a_list_that_still_shows_what_was_deleted_through_us_costs_nothing(metering: MeterHarness) -> None:
    name = metering.store("mine", GIB)
    metering.at(0)
    metering.retire(600)
    metering.at(4_000)
    metering.provider.stores[name].deleted_at = MIDNIGHT + 600
    metering.at(8_000)
    metering.at(DAY_S)
    assert [row.byte_seconds for row in metering.records()] == [GIB * 600]


def test_a_meter_is_written_when_its_size_changes_and_at_midnight(metering: MeterHarness) -> None:
    metering.store("still", GIB)
    changing = metering.store("changing", GIB)
    for seconds in range(0, 40_000, 4_000):
        metering.provider.stores[changing].size += seconds
        metering.at(seconds)
    versions = {meter.id: meter.version for meter in metering.stores.meters.meters(OPENAI)}
    assert sorted(versions.values()) == [1, 10]
    metering.at(DAY_S)
    assert sorted(meter.version for meter in metering.stores.meters.meters(OPENAI)) == [3, 12]  # sampled, and charged
    (one, other) = metering.records()
    assert {one.byte_seconds, other.byte_seconds} >= {GIB * DAY_S}


def test_a_tick_that_was_cut_short_while_it_charged_goes_on_where_it_was(
    metering: MeterHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        metering.store(f"s{number}", GIB)
    metering.at(0)
    begin = metering.stores.ledger.begin
    begun: list[OperationId] = []
    ends = True

    def account_ref(record: LedgerEntry) -> None:
        if ends and len(begun) == 2:
            raise StoreUnavailable("simulated")
        begin(record)
        begun.append(record.id)

    monkeypatch.setattr(metering.stores.ledger, "begin", account_ref)
    assert metering.at(DAY_S) == 0
    ends = False
    assert metering.at(DAY_S + 60) == 3
    assert len(begun) == len(set(begun)) == 5


def test_a_store_that_vanished_stops_when_it_is_missed(metering: MeterHarness) -> None:
    name = metering.store("mine", GIB)
    metering.at(0)
    metering.provider.stores[name].deleted_at = MIDNIGHT + 600
    metering.at(4_000)
    metering.at(DAY_S)
    assert [row.byte_seconds for row in metering.records()] == [GIB * 4_000]


def test_a_store_that_expired_stops_at_that_second(metering: MeterHarness) -> None:
    name = metering.store("mine", GIB)
    metering.at(0)
    metering.provider.stores[name].expires_at = MIDNIGHT + 50
    metering.at(4_000)
    for day in (1, 2, 3):
        metering.at(day * DAY_S)
    assert [row.byte_seconds for row in metering.records()] == [GIB * 50]


@pytest.mark.parametrize("figure", [0, -5, True, "soon", 0.5, MIDNIGHT - 1])
def test_a_moment_that_makes_no_sense_is_quarantined_and_ends_nothing(metering: MeterHarness, figure: Any) -> None:
    name = metering.store("mine", GIB)
    metering.provider.stores[name].expires_at = figure
    metering.at(0)
    metering.at(DAY_S)
    assert "QuarantinedMoments" in metering.telemetry.counted
    assert [row.byte_seconds for row in metering.records()] == [GIB * DAY_S]


@pytest.mark.parametrize("listed", [None, {}, [None, "x", {"id": []}], [{"id": "../b"}]])
def test_nothing_is_concluded_from_a_list_that_makes_no_sense(
    metering: MeterHarness, monkeypatch: pytest.MonkeyPatch, listed: Any
) -> None:
    metering.store("mine", GIB)
    metering.at(0)
    monkeypatch.setattr(metering.provider, "_page", lambda _query: {"object": "list", "data": listed, "has_more": True})
    with pytest.raises(ApiError):
        metering.sampler.sample(OPENAI)
    assert metering.sizes() == [GIB]


def test_a_provider_that_fails_leaves_the_others_alone(metering: MeterHarness) -> None:
    metering.store("mine", GIB)
    broken = ProviderName("broken")
    providers = {broken: OpenAI(broken), OPENAI: OpenAI()}
    credentials = Credentials(
        FakeSecretSource(SECRET, {"malformed": "{}"}), {broken: "malformed", OPENAI: "secret"}, metering.sampler.clock
    )
    reader = replace(metering.sampler.reader, providers=providers, credentials=credentials)
    replace(metering.sampler, providers=list(providers), reader=reader).tick()
    assert metering.telemetry.counted == ["MeterFailures"]
    assert metering.sizes() == [GIB]


def test_a_list_that_outlasts_a_tick_leaves_every_other_tick_to_the_others(
    metering: MeterHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The end of a function's time."""

    metering.store("mine", GIB)
    slow, pages = ProviderName("slow"), ProviderReader.pages

    def killed(
        reader: ProviderReader, provider: ProviderName, operation: str, *, order: str
    ) -> Iterator[list[Document]]:
        if provider == slow:
            raise Killed
        return pages(reader, provider, operation, order=order)

    monkeypatch.setattr(ProviderReader, "pages", killed)
    providers = {slow: OpenAI(slow), OPENAI: OpenAI()}
    reader = replace(metering.sampler.reader, providers=providers)
    sampler = replace(metering.sampler, providers=list(providers), reader=reader)
    for _ in range(2):
        with pytest.raises(Killed):
            sampler.tick()
        metering.environment.now += 60
    assert metering.sizes() == [GIB]


def test_a_list_that_forgets_a_store_is_not_believed(metering: MeterHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    metering.store("mine", GIB)
    metering.at(0)
    monkeypatch.setattr(metering.provider, "_page", lambda _query: {"object": "list", "data": [], "has_more": False})
    metering.at(4_000)
    monkeypatch.undo()
    metering.at(DAY_S)
    assert [row.byte_seconds for row in metering.records()] == [GIB * DAY_S]


def test_more_stores_than_a_call_lists(metering: MeterHarness) -> None:
    for number in range(250):
        metering.store(f"s{number}", GIB)
    metering.at(0)
    assert metering.at(DAY_S) == 250
    records = metering.stores.ledger.answered(1_000)
    assert sum(row.spend or 0 for row in records) == 249 * 100_000_000


@pytest.mark.parametrize("figure", [-5, 0.5, "many", None, MAX_SIZE + 1])
def test_a_figure_that_makes_no_sense_is_quarantined(metering: MeterHarness, figure: Any) -> None:
    name = metering.store("mine", GIB)
    metering.at(0)
    metering.provider.stores[name].size = figure
    metering.sampler.sample(OPENAI)
    metering.at(DAY_S)
    assert "QuarantinedSizes" in metering.telemetry.counted
    assert [row.byte_seconds for row in metering.records()] == [GIB * DAY_S]


def test_a_day_that_some_meter_does_not_know_yet_waits(metering: MeterHarness) -> None:
    metering.store("mine", GIB)
    metering.at(0)
    (meter,) = metering.stores.meters.meters(OPENAI)
    assert metering.sampler._charge_days([meter, meter.sampled(0, MIDNIGHT + DAY_S)], MIDNIGHT + DAY_S) == 0


def test_of_two_ticks_at_once_one_gives_up(metering: MeterHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    store = metering.store("mine", GIB)
    metering.at(0)
    before = list(metering.stores.meters.meters(OPENAI))
    metering.environment.now += 60
    metering.provider.stores[store].size = 2 * GIB
    metering.sampler.sample(OPENAI)
    monkeypatch.setattr(metering.stores.meters, "meters", lambda _provider: before)
    with pytest.raises(StateConflict):
        metering.sampler.sample(OPENAI)
    assert metering.at(4_000) == 0
    assert "MeterFailures" in metering.telemetry.counted


def test_a_store_without_an_owner_is_charged_to_its_owner_as_soon_as_there_is_one(metering: MeterHarness) -> None:
    name = metering.store("mine", GIB, tenant=None)
    metering.at(0)
    row = Ownership(
        ref=ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, ObjectId(name)),
        tenant=TenantId("key:k"),
        key_id=KeyId("k"),
        created_at=0,
    )
    cast("SqliteLedger", metering.stores.ledger).insert_ownership([row])
    metering.at(DAY_S)
    assert [record.tenant for record in metering.records()] == ["key:k"]


def test_a_day_counts_against_the_budgets_that_its_owner_has_when_it_is_charged(metering: MeterHarness) -> None:
    metering.stores.keys.add_key(
        VirtualKey(id=KeyId("k"), created_at=MIDNIGHT, max_budget=NanoUSD(1), budget_duration="1d")
    )
    red = Subject(BudgetScope.TEAM, "red")
    metering.store("mine", 3 * GIB)
    metering.at(0)
    metering.stores.budgets.add_limit(red, Limit(since=MIDNIGHT, soft_budget=NanoUSD(1), duration="1mo"))
    assert metering.at(DAY_S + 7_200) == 1
    assert [(row.budgets, row.spend) for row in metering.records()] == [
        (("key/2026-03-04", "team/2026-03-01"), 2 * 10**8)
    ]
    accounts = [Account(Subject(BudgetScope.KEY, "k"), "2026-03-04"), Account(red, "2026-03-01")]
    assert metering.stores.budgets.balances(accounts) == dict.fromkeys(accounts, Balance(0, 2 * 10**8))


def test_a_day_whose_budgets_cannot_be_read_is_charged_by_a_later_tick(
    metering: MeterHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    metering.store("mine", 3 * GIB)
    metering.at(0)
    with monkeypatch.context() as patched:

        def unreadable(_: object) -> None:
            raise StoreUnavailable("simulated")

        patched.setattr(metering.stores.keys, "key", unreadable)
        assert metering.at(DAY_S) == 0
        assert metering.records() == []
    assert metering.at(DAY_S + 3_600) == 1
