"""A gate whose price book charges for what costs nothing today, and what its tests ask of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.helpers.threads import at_once
from vectorgate.api.http import JSON, Body, Request
from vectorgate.budgets.model import Account, Balance, BudgetScope, Subject
from vectorgate.ledger.settlement import SettlementService
from vectorgate.pricing.book import Price, PriceBook, shipped_prices
from vectorgate.pricing.money import NanoUSD

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.gateway import GatewayHarness
    from vectorgate.gateway.pipeline import Gateway

CREATE = 3_000_001  # nano-dollars a create: no round number
SEARCH = 500
USD = 1_000_000_000
TODAY, TOMORROW = "2026-03-04", "2026-03-05T00:00:00+00:00"


def charging_book() -> PriceBook:
    """What things cost in this town."""
    own = [price("own.create", "vector_stores.create", CREATE), price("own.search", "vector_stores.search", SEARCH)]
    return PriceBook(shipped_prices(), own)


def charging(gateway: Gateway, book: PriceBook) -> Gateway:
    """The same gateway under that book."""
    budgets = replace(gateway.budgets, book=book)
    return replace(gateway, budgets=budgets, recorder=replace(gateway.recorder, budgets=budgets, book=book))


def priced(harness: GatewayHarness) -> GatewayHarness:
    """The same gate under that book."""
    book = charging_book()
    harness.gateway = charging(harness.gateway, book)
    harness.settlement = SettlementService(harness.stores.ledger, book, harness.notes)
    return harness


def rush(gateway: Gateway, key: str, requests: int) -> Counter[int]:
    """So many creates at the same moment: how often each status was the answer."""
    headers = {"authorization": f"Bearer {key}", "content-type": JSON}
    request = Request(method="POST", path="/v1/vector_stores", headers=headers, body=Body.of(b"{}"))
    return Counter(at_once(requests, lambda _: gateway.handle(request).status))


def price(name: str, operation: str, nano: int) -> Price:
    """One entry."""
    return Price(
        id=name, provider="openai", operations=(operation,), from_ms=0, per_call=NanoUSD(nano), source="a test"
    )


def balance(harness: GatewayHarness, scope: BudgetScope, name: str, period: str = TODAY) -> Balance:
    """What an account holds."""
    account = Account(Subject(scope, name), period)
    return harness.stores.budgets.balances([account]).get(account, Balance())


def over(ask: Callable[[], object]) -> openai.RateLimitError:
    """The refusal."""
    with pytest.raises(openai.RateLimitError) as caught:
        ask()
    return caught.value


def key_with(ask: Callable[..., Any], creates: int, **fields: object) -> str:
    """A key that may make so many stores a day."""
    wish = {"max_budget": creates * CREATE / USD, "budget_duration": "1d", **fields}
    return str(ask("POST", "/key/generate", wish)["key"])
