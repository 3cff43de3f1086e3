"""Repricing of responses: what was recorded without a price is charged when the book has one, tools included."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from tests.harnesses.admin import OPENAI, AdminHarness
from vectorgate.budgets.model import Balance, BudgetScope
from vectorgate.ids import ObjectId
from vectorgate.ledger.entry import State
from vectorgate.ledger.rollups import Scope
from vectorgate.pricing.book import RESERVED, UNPRICED, PriceBook, shipped_prices
from vectorgate.pricing.money import NanoUSD
from vectorgate.pricing.tokens import TokenPrice

if TYPE_CHECKING:
    from vectorgate.ledger.entry import LedgerEntry

MODEL: Final = "ft:gpt-5-mini:us::1"
PRICED: Final = TokenPrice(
    id="own.ft",
    provider=OPENAI,
    models=(MODEL,),
    from_ms=0,
    source="a test",
    input=NanoUSD(300_000_000),
    cached_input=NanoUSD(30_000_000),
    cache_write=NanoUSD(300_000_000),
    output=NanoUSD(2_400_000_000),
)
TOKENS: Final = 800 * 300 + 200 * 30 + 500 * 2_400  # nano-dollars: those of 1,000 and 500 tokens
SEARCHES: Final = 2 * 2_500_000
STORES: Final = (ObjectId("vs_a"), ObjectId("vs_b"))


def unpriced(admin: AdminHarness, **more: Any) -> LedgerEntry:
    """A response of a model that the book lacks, with two searches in two stores."""
    fields: dict[str, Any] = {"input_tokens": 1_000, "cached_tokens": 200, "output_tokens": 500}
    fields |= {"tool_calls": ("file_search=2",), "searched_stores": STORES, "vector_store_id": None}
    fields |= {"operation": "responses.create", "model": MODEL, "budgets": ("key/2026-03-04",)}
    return admin.call(1, **(fields | more))


def test_an_unpriced_response_is_left_and_counted_while_the_book_lacks_its_model(admin: AdminHarness) -> None:
    unpriced(admin)
    answer = admin.reprice(dry_run=False)
    assert (answer["corrections"], answer["left"]) == (0, {"unpriced": 1})
    (row,) = admin.rows()
    assert (row.state, row.spend, row.price_id) == (State.SETTLED, 0, UNPRICED)


def test_an_unpriced_response_is_charged_once_the_book_has_its_model(admin: AdminHarness) -> None:
    old = unpriced(admin)
    admin.book = PriceBook(shipped_prices(), [PRICED])
    shown = admin.reprice(price_ids=[UNPRICED])
    assert (shown["spend_nano_usd"], shown["posted"]) == (TOKENS + SEARCHES, 0)
    assert admin.reprice_all(price_ids=[UNPRICED]) == 1
    (new,) = [row for row in admin.rows() if row.corrects == old.id]
    assert (new.state, new.spend, new.price_id) == (State.SETTLED, TOKENS + SEARCHES, "own.ft")
    assert admin.balance(BudgetScope.KEY, str(old.key_id), "2026-03-04") == Balance(0, TOKENS + SEARCHES)
    assert _spend(admin, Scope.KEY, str(old.key_id)) == TOKENS + SEARCHES
    assert [_spend(admin, Scope.STORE, name) for name in STORES] == [(TOKENS + SEARCHES) // 2] * 2
    assert admin.reprice_all() == 0


def test_what_was_charged_by_its_reservation_is_brought_to_its_price(admin: AdminHarness) -> None:
    reserved = NanoUSD(TOKENS + SEARCHES + 5)
    unpriced(admin, reserved=reserved, budgets=())
    (old,) = admin.rows()
    assert (old.spend, old.price_id) == (reserved, RESERVED)
    assert admin.reprice(dry_run=False)["left"] == {"unpriced": 1}
    admin.book = PriceBook(shipped_prices(), [PRICED])
    assert admin.reprice_all(price_ids=[RESERVED]) == 1
    assert _spend(admin, Scope.KEY, str(old.key_id)) == TOKENS + SEARCHES


def _spend(admin: AdminHarness, scope: Scope, name: str) -> int:
    """What it comes to in the reports of the month."""
    return sum(rollup.spend for rollup in admin.stores.reports.rollups(scope, name, "2026-03"))
