"""From byte-seconds to money."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorgate.ids import KeyId, ObjectId, ProviderName, TenantId
from vectorgate.ledger.entry import State
from vectorgate.metering.bill import amount_of, record_id, storage_records
from vectorgate.metering.model import DAY_S, Meter
from vectorgate.pricing.book import GIB, MissingPrice, PriceBook, shipped_prices
from vectorgate.pricing.usage import MAX_SIZE, valid_size

BOOK = PriceBook(shipped_prices())
DAY = 20_516  # 2026-03-04
OPENAI = ProviderName("openai")
PRICE = BOOK.price("openai", "storage", DAY * DAY_S * 1000)


def meter(name: str, byte_seconds: int) -> Meter:
    return Meter(
        provider=OPENAI,
        id=ObjectId(name),
        at=(DAY + 1) * DAY_S,
        days={DAY: byte_seconds},
        tenant=TenantId("team:red"),
        key_id=KeyId("k"),
        end_user="émile",
    )


def test_a_gib_day_beyond_the_first_costs_ten_cents() -> None:
    assert amount_of(2 * GIB * DAY_S, PRICE) == 100_000_000
    assert amount_of(GIB * DAY_S, PRICE) == 0
    assert amount_of(0, PRICE) == 0
    # 10 GiB that are there for 6 hours: 2.5 GiB-days, 1 of them free.
    assert amount_of(10 * GIB * 6 * 3600, PRICE) == 150_000_000


def test_the_free_gib_is_shared_in_proportion() -> None:
    records = storage_records([meter("vs_a", 3 * GIB * DAY_S), meter("vs_b", GIB * DAY_S)], DAY, BOOK)
    assert [record.spend for record in records] == [225_000_000, 75_000_000]


@given(st.lists(st.integers(0, MAX_SIZE * DAY_S), min_size=1, max_size=30))
def test_the_parts_are_the_whole_to_the_nano_dollar(weights: list[int]) -> None:
    records = storage_records([meter(f"vs_{place:03d}", weight) for place, weight in enumerate(weights)], DAY, BOOK)
    assert sum(record.spend or 0 for record in records) == amount_of(sum(weights), PRICE)
    whole = sum(weights)
    for record, weight in zip(records, weights, strict=True):
        assert record.spend is not None
        assert record.byte_seconds == weight
        if whole:
            assert abs(record.spend * whole - amount_of(whole, PRICE) * weight) < whole


def test_a_record_says_whose_it_is_which_day_and_by_which_price() -> None:
    (record,) = storage_records([meter("vs_a", 0)], DAY, BOOK)
    assert (record.operation, record.state) == ("storage", State.ANSWERED)
    assert (record.tenant, record.team_id, record.key_id, record.end_user) == ("team:red", "red", "k", "émile")
    assert (record.vector_store_id, record.provider) == ("vs_a", "openai")
    assert (record.started_ms, record.ended_ms) == (DAY * DAY_S * 1000, (DAY + 1) * DAY_S * 1000)
    assert (record.spend, record.price_id) == (0, "openai.storage.2025-03-11")


def test_a_day_of_a_store_has_one_id_for_ever() -> None:
    one = meter("vs_a", 1)
    assert record_id(one, DAY) == record_id(replace(one, days={}, version=9), DAY)
    others = {record_id(one, DAY + 1), record_id(meter("vs_b", 1), DAY)}
    assert record_id(one, DAY) not in others
    assert len(others) == 2


def test_without_stores_there_is_nothing_to_charge() -> None:
    assert storage_records([], DAY, BOOK) == []
    assert storage_records([meter("vs_a", 1)], DAY + 1, BOOK) == []


def test_a_price_of_calls_does_not_price_storage() -> None:
    with pytest.raises(MissingPrice):
        amount_of(1, BOOK.price("openai", "vector_stores.create", DAY * DAY_S * 1000))


@pytest.mark.parametrize("figure", [-1, 1.5, "7", None, True, MAX_SIZE + 1, float("nan"), [], {}])
def test_a_figure_that_makes_no_sense_is_none(figure: object) -> None:
    assert valid_size(figure) is None
    assert valid_size(0) == 0
    assert valid_size(MAX_SIZE) == MAX_SIZE
