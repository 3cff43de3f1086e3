"""MeterStore, on every engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest

from tests.factories.ledger import AZURE, KEY, OPENAI, RED
from tests.harnesses.store_backends import FakeBackend
from vectorgate.ids import ObjectId
from vectorgate.metering.model import Meter
from vectorgate.metering.ports import Schedule
from vectorgate.persistence.dynamodb import meter as dynamodb_meter
from vectorgate.store_errors import StateConflict, StoreUnavailable

if TYPE_CHECKING:
    from tests.harnesses.store_backends import Backend
    from vectorgate.metering.ports import MeterStore


def meter(name: str = "vs_1", **fields: object) -> Meter:
    values: dict[str, object] = {
        "provider": OPENAI,
        "id": ObjectId(name),
        "at": 1_772_600_767,
        "size": 1 << 45,
        # More than 64 bits are never reached: a PiB for a day is 2^50 x 86,400 < 2^67, a TiB less than 2^57.
        "days": {20_516: (1 << 45) * 86_400, 20_517: 0},
        "tenant": RED,
        "key_id": KEY,
        "end_user": "émile 東京",
    }
    return Meter(**(values | fields))  # type: ignore[arg-type]


@pytest.fixture
def meters(stores: Backend) -> MeterStore:
    return stores.meters


def test_a_meter_comes_back_as_it_was(meters: MeterStore) -> None:
    rows = [meter("vs_1"), meter("vs_2", tenant=None, key_id=None, end_user=None, stopped_at=7, days={})]
    for row in rows[::-1]:
        meters.keep(row)
    assert list(meters.meters(OPENAI)) == rows
    assert list(meters.meters(AZURE)) == []


def test_a_meter_of_a_pib_is_exact(meters: MeterStore) -> None:
    row = meter(days={20_516: (1 << 50) * 86_400 + 1})
    meters.keep(row)
    assert list(meters.meters(OPENAI)) == [row]


def test_providers_are_apart(meters: MeterStore) -> None:
    meters.keep(meter())
    meters.keep(meter(provider=AZURE, size=1))
    assert [row.size for row in meters.meters(AZURE)] == [1]


def test_of_two_ticks_the_first_one_counts(meters: MeterStore) -> None:
    first = meter()
    meters.keep(first)
    with pytest.raises(StateConflict):
        meters.keep(replace(first, size=2))
    second = replace(first, size=3, version=2)
    meters.keep(second)
    for version in (2, 4):
        with pytest.raises(StateConflict):
            meters.keep(replace(first, size=4, version=version))
    assert list(meters.meters(OPENAI)) == [second]


def test_a_meter_that_was_never_there_is_not_replaced(meters: MeterStore) -> None:
    with pytest.raises(StateConflict):
        meters.keep(meter(version=2))
    assert list(meters.meters(OPENAI)) == []


def test_only_the_row_that_was_read_is_dropped(meters: MeterStore) -> None:
    first = meter()
    meters.keep(first)
    second = replace(first, version=2)
    meters.keep(second)
    with pytest.raises(StateConflict):
        meters.drop(first)
    meters.drop(second)
    with pytest.raises(StateConflict):
        meters.drop(second)
    assert list(meters.meters(OPENAI)) == []


def test_more_meters_than_a_page_holds(meters: MeterStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dynamodb_meter, "ROWS", 3)
    rows = [meter(f"vs_{number:04d}") for number in range(130)]
    for row in rows:
        meters.keep(row)
    assert list(meters.meters(OPENAI)) == rows


def test_two_thousand_meters_are_read_with_sixteen_queries() -> None:
    stores, rows = FakeBackend(), [meter(f"vs_{number:04d}") for number in range(2_000)]
    for row in rows:
        stores.meters.keep(row)
    asked = Mock(wraps=stores.table.client.query)
    stores.table.client.query = asked  # type: ignore[method-assign]
    assert list(stores.meters.meters(OPENAI)) == rows
    assert asked.call_count == 16


def test_the_schedule_is_what_was_last_said(meters: MeterStore) -> None:
    assert meters.schedule(OPENAI) == Schedule()
    meters.reschedule(OPENAI, Schedule(due=7, pause=60))
    meters.reschedule(OPENAI, Schedule(due=5, pause=30))
    assert meters.schedule(OPENAI) == Schedule(due=5, pause=30)
    assert meters.schedule(AZURE) == Schedule()


@pytest.mark.parametrize("name", ["", "a#b", "a/b", "x" * 129])
def test_a_name_that_is_no_id_is_refused(meters: MeterStore, name: str) -> None:
    for call in (meters.keep, meters.drop):
        with pytest.raises(ValueError, match="not an id"):
            call(meter(name))


def test_a_lost_write_is_unavailable(stores: Backend) -> None:
    with stores.failing_requests(written=False), pytest.raises(StoreUnavailable):
        stores.meters.keep(meter())
    assert list(stores.meters.meters(OPENAI)) == []
    with stores.failing_requests(written=True), pytest.raises(StoreUnavailable):
        stores.meters.keep(meter())
    assert list(stores.meters.meters(OPENAI)) == [meter()]
