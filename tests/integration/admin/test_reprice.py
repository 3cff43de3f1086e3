"""Repricing: new rows bring old ones to the prices as they stand, and every sum moves with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.harnesses.admin import DAY, KEY, AdminHarness, book_of, calls, meter, storage
from vectorgate.budgets.model import Balance, BudgetScope, Limit, Subject
from vectorgate.ids import TenantId
from vectorgate.ledger.corrections import correction_id
from vectorgate.ledger.entry import State
from vectorgate.metering.bill import amount_of, storage_records
from vectorgate.metering.model import DAY_S
from vectorgate.persistence.sqlite import open_stores
from vectorgate.pricing.book import GIB, MOCK, PriceBook, shipped_prices
from vectorgate.pricing.money import NanoUSD

if TYPE_CHECKING:
    import random

    from vectorgate.ledger.entry import LedgerEntry

WINDOW = {"start_date": "2026-03-01", "end_date": "2026-03-31"}
LIMIT = {"max_budget": NanoUSD(10**12), "budget_duration": "1d"}


def corrections(admin: AdminHarness) -> list[LedgerEntry]:
    return sorted((row for row in admin.rows() if row.corrects is not None), key=lambda row: row.id)


def test_a_dry_run_says_what_would_change_and_changes_nothing(admin: AdminHarness) -> None:
    admin.book = book_of(calls("a", 7))
    old = admin.call(1)
    before = admin.rows()
    admin.book = book_of(calls("a", 7), calls("b", 11))
    answer = admin.reprice()
    assert (answer["dry_run"], answer["corrections"], answer["posted"]) == (True, 1, 0)
    assert (answer["spend_nano_usd"], answer["spend"], answer["next_cursor"]) == (4, 4e-9, None)
    assert [(row["corrects"], row["price_id"], row["spend_nano_usd"]) for row in answer["data"]] == [(old.id, "b", 4)]
    assert admin.rows() == before


def test_a_correction_is_a_new_row_and_the_old_one_stays_as_it_is(admin: AdminHarness) -> None:
    admin.key(**LIMIT)
    admin.book = book_of(calls("a", 7))
    admin.call(1, end_user="ann", budgets=("key/2026-03-04",))
    (old,) = admin.rows()
    admin.book = book_of(calls("b", 11))
    assert admin.reprice(dry_run=False)["posted"] == 1
    (new,) = corrections(admin)
    assert old in admin.rows()
    assert (new.operation, new.state, new.corrects, new.spend, new.price_id) == (
        "correction",
        State.SETTLED,
        old.id,
        4,
        "b",
    )
    for name in ("key_id", "tenant", "team_id", "end_user", "vector_store_id", "provider", "started_ms", "budgets"):
        assert getattr(new, name) == getattr(old, name)
    assert admin.balance(BudgetScope.KEY, KEY, "2026-03-04") == Balance(0, 11)
    assert admin.disagreements() == []
    _, shown = admin.ask("GET", "/spend/logs", request_id=new.id)
    assert [(row["call_type"], row["corrects"], row["spend_nano_usd"]) for row in shown] == [("correction", old.id, 4)]


def test_the_second_run_changes_nothing(admin: AdminHarness) -> None:
    admin.book = book_of(calls("a", 7), storage("s", 10**8))
    admin.call(1)
    admin.charge([meter("vs_a", 3 * GIB * DAY_S), meter("vs_b", GIB * DAY_S)])
    admin.book = book_of(calls("b", 11), storage("t", 2 * 10**8))
    assert admin.reprice_all() == 3
    rows = admin.rows()
    for _ in range(2):
        assert admin.reprice(dry_run=False)["corrections"] == 0
    assert admin.rows() == rows


def test_prices_that_come_and_go_are_followed_by_one_correction_each(admin: AdminHarness) -> None:
    admin.book = book_of(calls("a", 7))
    old = admin.call(1)
    for number, (name, nano) in enumerate([("b", 11), ("c", 5), ("a", 7), ("b", 11)]):
        admin.book = book_of(calls(name, nano))
        assert admin.reprice_all() == 1
        assert admin.net() == {"vs_1": nano}
        assert admin.stores.ledger.entry(correction_id(old, number)) is not None
    assert admin.disagreements() == []


def test_a_correction_that_another_call_posts_first_is_not_posted_again(
    admin: AdminHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin.book = book_of(calls("a", 7))
    admin.call(1)
    admin.book = book_of(calls("b", 11))
    # Both have looked before either has written.
    monkeypatch.setattr(type(admin.stores.ledger), "entries", lambda _self, _ids: {})
    assert [admin.reprice(dry_run=False)["posted"] for _ in range(2)] == [1, 0]
    assert admin.net() == {"vs_1": 11}
    assert admin.disagreements() == []


def test_mocked_and_unsettled_rows_are_left_as_they_are(admin: AdminHarness) -> None:
    admin.call(1, price_id=MOCK)
    admin.stores.ledger.begin(admin.rows()[0].changed(id=correction_id(admin.rows()[0], 9), state=State.STARTED))
    admin.call(2, provider="elsewhere", price_id=MOCK, spend=NanoUSD(0))
    admin.book = book_of(calls("b", 11))
    answer = admin.reprice()
    assert (answer["looked_at"], answer["corrections"], answer["left"]) == (3, 0, {"open": 1})


def test_a_row_that_the_book_has_no_price_for_is_named_as_such(admin: AdminHarness) -> None:
    admin.call(1)
    general = [price for price in shipped_prices() if price.provider == "*"]
    admin.book = PriceBook(general)
    assert admin.reprice()["left"] == {"unpriced": 1}


def test_only_what_was_priced_by_the_named_entries_is_corrected(admin: AdminHarness) -> None:
    admin.book = book_of(calls("a", 7))
    admin.call(1)
    admin.book = book_of(calls("b", 8))
    admin.call(2)
    admin.book = book_of(calls("c", 11))
    assert admin.reprice(price_ids=["a"])["spend_nano_usd"] == 4
    assert admin.reprice_all(price_ids=["a"]) == 1
    assert admin.reprice(price_ids=["a"])["corrections"] == 0
    assert admin.reprice(price_ids=["b", "c"])["spend_nano_usd"] == 3


def test_a_page_ends_where_the_next_one_begins(admin: AdminHarness) -> None:
    admin.book = book_of(calls("a", 7), storage("s", 10**8))
    for number in range(5):
        admin.call(number)
    admin.charge([meter(f"vs_s{number}", GIB * DAY_S) for number in range(5)])  # all begin in one millisecond
    admin.book = book_of(calls("b", 11), storage("t", 3 * 10**8, 0))
    assert admin.reprice_all(limit=2) == 10
    assert admin.reprice(dry_run=False)["corrections"] == 0
    assert sum(admin.net().values()) == 5 * 11 + 15 * 10**8
    assert admin.disagreements() == []


def test_a_days_storage_is_divided_again_as_a_whole(admin: AdminHarness) -> None:
    admin.key(**LIMIT)
    admin.stores.budgets.add_limit(Subject(BudgetScope.TEAM, "red"), Limit(since=DAY * DAY_S, max_budget=NanoUSD(1)))
    admin.book = book_of(storage("s", 10**8))
    stored = [meter("vs_a", 3 * GIB * DAY_S), meter("vs_b", GIB * DAY_S, tenant=TenantId("key:x"), key_id=None)]
    admin.charge(stored)
    assert admin.net() == {"vs_a": 225_000_000, "vs_b": 75_000_000}
    admin.book = book_of(storage("t", 10**8, free_gib=0))  # the agreement has no free GiB, after all
    answer = admin.reprice(dry_run=False)
    assert (answer["posted"], answer["spend_nano_usd"]) == (2, 10**8)
    assert admin.net() == {"vs_a": 300_000_000, "vs_b": 100_000_000}
    assert admin.balance(BudgetScope.KEY, KEY, "2026-03-04").spent == 300_000_000
    assert admin.balance(BudgetScope.TEAM, "red", "ever").spent == 300_000_000
    assert admin.disagreements() == []


def test_a_day_that_is_not_charged_to_the_last_record_waits(admin: AdminHarness) -> None:
    admin.charge([meter("vs_a", 3 * GIB * DAY_S)])
    admin.stores.meters.keep(meter("vs_late", GIB * DAY_S))
    admin.book = book_of(storage("t", 1))
    answer = admin.reprice(dry_run=False)
    assert (answer["corrections"], answer["left"]) == (0, {"day_not_closed": 1})


def test_a_day_of_which_a_record_was_just_posted_waits(admin: AdminHarness) -> None:
    admin.charge([meter("vs_a", 3 * GIB * DAY_S)])
    (record,) = storage_records([meter("vs_late", GIB * DAY_S)], DAY, admin.book)
    admin.stores.ledger.begin(record)
    admin.book = book_of(storage("t", 1))
    assert admin.reprice(dry_run=False)["left"] == {"day_not_closed": 1, "open": 1}
    assert admin.reprice()["corrections"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"start_date": "yesterday"},
        {"start_date": "2026-01-01"},
        {"start_date": "2026-04-02"},
        {"dry_run": "no"},
        {"limit": 0},
        {"limit": 501},
        {"price_ids": []},
        {"cursor": "1"},
        {"cursor": "1.x"},
        {"factor": 2},
    ],
    ids=str,
)
def test_an_invalid_request_is_400(wrong: dict[str, object]) -> None:
    stores = open_stores()
    status, document = AdminHarness(stores).ask("POST", "/spend/reprice", WINDOW | wrong)
    assert (status, document["error"]["type"]) == (400, "invalid_request_error")
    stores.close()


def test_days_of_which_records_may_be_gone_are_not_priced_again(admin: AdminHarness) -> None:
    """Without some of a day's records the others would get other shares; without a correction, it would come again."""
    admin.record_days = 90
    admin.book = book_of(calls("a", 7), storage("s", 10**8))
    admin.call(1)
    admin.charge([meter("vs_a", 3 * GIB * DAY_S)])
    admin.book = book_of(calls("b", 11), storage("t", 2 * 10**8))
    start, end = "2026-03-04", "2026-03-31"
    admin.time.skip(88 * DAY_S)
    assert admin.reprice(start_date=start, end_date=end)["corrections"] == 2
    admin.time.skip(2 * DAY_S)
    status, document = admin.ask("POST", "/spend/reprice", {"start_date": start, "end_date": end, "dry_run": False})
    assert (status, document["error"]["param"]) == (400, "start_date")
    assert "less than 90 days ago" in document["error"]["message"]
    assert corrections(admin) == []


NO_OWNER: dict[str, Any] = {"key_id": None, "end_user": None}
SIZES = st.lists(st.integers(0, 1 << 50), min_size=1, max_size=8)
PRICES = st.tuples(st.integers(0, 10**9), st.integers(0, 5))


@settings(max_examples=15, deadline=None)
@given(SIZES, st.lists(PRICES, min_size=2, max_size=4), st.integers(1, 9), st.randoms())
def test_after_any_repricing_every_share_is_what_its_price_makes_it(
    sizes: list[int], prices: list[tuple[int, int]], limit: int, dice: random.Random
) -> None:
    admin = AdminHarness(open_stores())
    admin.key(**LIMIT)
    admin.book = book_of(storage("p0", *prices[0]))
    meters = [
        meter(f"vs_{place}", size, **(NO_OWNER if dice.random() < 0.5 else {})) for place, size in enumerate(sizes)
    ]
    admin.charge(meters)
    for number, terms in enumerate(prices):
        price = storage(f"p{number}", *terms)
        admin.book = book_of(price)
        admin.reprice_all(limit=limit)
        assert sum(admin.net().values()) == amount_of(sum(sizes), price)
        assert admin.net() == _charged_at_first(meters, price)
        assert admin.disagreements() == []
        assert admin.reprice(dry_run=False)["corrections"] == 0
    admin.stores.close()


def _charged_at_first(meters: list[Any], price: Any) -> dict[str, int]:
    """What the same day comes to where that price was in force from the beginning."""
    fresh = AdminHarness(open_stores(), book_of(price))
    fresh.charge(meters)
    net = dict(fresh.net())
    fresh.stores.close()
    return net
