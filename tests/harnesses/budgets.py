"""A gateway with prices for what costs nothing today, and what the tests of budgets ask of it."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.factories.prices import CREATE, charging_book
from tests.harnesses.admin import DAY
from tests.helpers.threads import at_once
from vectorgate.api.http import JSON, Body, Request
from vectorgate.auth.authenticate import KEY_CACHE_SECONDS
from vectorgate.budgets.limits import LIMIT_CACHE_SECONDS
from vectorgate.budgets.model import Account, Balance, BudgetScope, Subject
from vectorgate.ledger.settlement import SettlementService
from vectorgate.metering.accounts import Accounts
from vectorgate.metering.bill import storage_records

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.harnesses.gateway import GatewayHarness
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.metering.model import Meter

USD = 1_000_000_000  # nano-dollars
CACHED_S = max(LIMIT_CACHE_SECONDS, KEY_CACHE_SECONDS) + 1  # after which keys and limits are read again
TODAY, TOMORROW = "2026-03-04", "2026-03-05T00:00:00+00:00"


def charge_for_calls(harness: GatewayHarness) -> None:
    """Have a harness charge by `charging_book`."""
    book = charging_book()
    harness.gateway = harness.build(book)
    harness.settlement = SettlementService(harness.stores.ledger, book, harness.telemetry)


def charge_storage(harness: GatewayHarness, meters: Sequence[Meter]) -> None:
    """Post the storage records of a day as the meter does, and settle them."""
    accounts = Accounts(harness.stores.keys, harness.stores.budgets)
    for record in accounts.assign(storage_records(meters, DAY, harness.app.deps.book)):
        harness.stores.ledger.begin(record)
    harness.settle()


def create_at_once(gateway: Gateway, key: str, requests: int) -> Counter[int]:
    """Send creates from so many threads at once, and count their statuses."""
    headers = {"authorization": f"Bearer {key}", "content-type": JSON}
    request = Request(method="POST", path="/v1/vector_stores", headers=headers, body=Body.of(b"{}"))
    return Counter(at_once(requests, lambda _: gateway.handle(request).status))


def balance(harness: GatewayHarness, scope: BudgetScope, name: str, period: str = TODAY) -> Balance:
    """Return the balance of an account."""
    account = Account(Subject(scope, name), period)
    return harness.stores.budgets.balances([account]).get(account, Balance())


def over_budget(ask: Callable[[], object]) -> openai.RateLimitError:
    """Return the error of a call that has to be refused with 429."""
    with pytest.raises(openai.RateLimitError) as caught:
        ask()
    return caught.value


def key_with(ask: Callable[..., Any], creates: int, **fields: object) -> str:
    """Generate a key whose budget covers so many creates a day."""
    terms = {"max_budget": creates * CREATE / USD, "budget_duration": "1d", **fields}
    return str(ask("POST", "/key/generate", terms)["key"])
