"""A store that changes hands: whose byte-seconds are whose."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from vectorgate.ids import KeyId, ObjectId, ObjectKind, ProviderName, TenantId
from vectorgate.metering.bill import amount_of, storage_records
from vectorgate.metering.handover import with_owner
from vectorgate.metering.model import DAY_S, Meter, first_sample
from vectorgate.pricing.book import GIB, PriceBook, shipped_prices
from vectorgate.tenancy.holders import Holder, given_to, holders_of
from vectorgate.tenancy.ownership import ObjectRef, Ownership

BOOK = PriceBook(shipped_prices())
DAY = 20_516
START = DAY * DAY_S
OPENAI, STORE = ProviderName("openai"), ObjectId("vs_a")
UNHELD = Ownership(ref=ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, STORE), tenant=TenantId("-"), created_at=1)
PRICE = BOOK.price("openai", "storage", START * 1_000)
TEAMS = st.sampled_from([TenantId("team:red"), TenantId("team:blue")])


@dataclass(frozen=True)
class Moment:
    """The seconds since the last one; then the size changes, or the owner does."""

    after: int
    size: int | None
    tenant: TenantId


MOMENTS = st.lists(
    st.builds(Moment, st.integers(1, DAY_S), st.one_of(st.none(), st.integers(0, 4 * GIB)), TEAMS), max_size=12
)


@given(moments=MOMENTS, adopted=st.booleans())
def test_each_owner_is_charged_for_its_own_seconds_and_all_together_for_the_providers_bill(
    moments: list[Moment], *, adopted: bool
) -> None:
    """The meter is sampled when the size changes; changes of owners come in between, and are noticed then."""
    row = UNHELD if adopted else given_to(UNHELD, Holder(1, TenantId("team:red")), is_new=True)
    meter, at, size = (
        with_owner(None, first_sample(OPENAI, STORE, GIB, START), row)
        if not adopted
        else (first_sample(OPENAI, STORE, GIB, START)),
        START,
        GIB,
    )
    truth: dict[tuple[str | None, int], int] = {}
    owner: str | None = None if adopted else "team:red"
    for moment in [*moments, Moment(DAY_S, 0, TenantId("team:red"))]:
        for second in range(at // DAY_S, (at + moment.after) // DAY_S + 1):
            seconds = min(at + moment.after, (second + 1) * DAY_S) - max(at, second * DAY_S)
            truth[owner, second] = truth.get((owner, second), 0) + size * seconds
        at += moment.after
        if moment.size is None:
            row = given_to(row, Holder(at, moment.tenant), is_new=not holders_of(row))
            owner = moment.tenant
        else:
            sampled = meter.sampled(moment.size, at)
            meter = with_owner(meter, sampled, row) if holders_of(row) else sampled
            meter, size = Meter.from_record(meter.to_record()), moment.size
    charged: dict[tuple[str | None, int], int] = {}
    for day in meter.uncharged_days:
        records = storage_records([meter], day, BOOK)
        for record in records:
            key = record.tenant, day
            charged[key] = charged.get(key, 0) + (record.byte_seconds or 0)
        whole = sum(seconds for (_, other), seconds in truth.items() if other == day)
        assert sum(record.spend or 0 for record in records) == amount_of(whole, PRICE)
        assert len({record.id for record in records}) == len(records)
    assert {key: seconds for key, seconds in charged.items() if seconds} == {
        key: seconds for key, seconds in truth.items() if seconds
    }


def test_a_store_that_the_gateway_made_is_its_makers_from_the_beginning() -> None:
    row = Ownership(ref=UNHELD.ref, tenant=TenantId("team:red"), key_id=KeyId("k"), created_at=START)
    before = first_sample(OPENAI, STORE, 7, START)
    (record,) = storage_records([with_owner(before, before.sampled(7, START + 60), row)], DAY, BOOK)
    assert (record.tenant, record.key_id, record.byte_seconds) == ("team:red", "k", 420)


def test_a_day_that_is_charged_is_removed_from_every_owner() -> None:
    row = given_to(UNHELD, Holder(START + 100, TenantId("team:red")), is_new=True)
    before = first_sample(OPENAI, STORE, 7, START)
    meter = with_owner(before, before.sampled(7, START + DAY_S + 1), row)
    assert [(each.tenant, each.days[DAY]) for each in meter.holdings_of(DAY)] == [
        (None, 700),
        ("team:red", 7 * (DAY_S - 100)),
    ]
    rest = meter.without(DAY)
    assert (rest.uncharged_days, rest.former, rest.segment) == (frozenset({DAY + 1}), (), 1)


def test_a_change_that_is_later_than_the_sample_waits_for_the_next_one() -> None:
    row = given_to(UNHELD, Holder(START + 100, TenantId("team:red")), is_new=True)
    before = first_sample(OPENAI, STORE, 7, START)
    assert with_owner(before, before.sampled(7, START + 99), row).tenant is None


def test_a_store_that_came_back_after_a_stop_has_no_seconds_in_between() -> None:
    row = given_to(UNHELD, Holder(START + 50, TenantId("team:red")), is_new=True)
    stopped = first_sample(OPENAI, STORE, 7, START).stopped(START + 10)
    meter = with_owner(stopped, stopped.resumed(7, START + 100), row)
    assert [(each.tenant, each.days[DAY]) for each in meter.holdings_of(DAY)] == [(None, 70), ("team:red", 0)]
