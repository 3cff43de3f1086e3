"""What is stored counts against the budgets of its maker, in the period of the day that is charged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.admin import DAY, meter
from tests.harnesses.budgets import CREATE, TODAY, USD, balance, over
from vectorgate.budgets.model import Balance, BudgetScope
from vectorgate.ids import TenantId, key_id_of
from vectorgate.metering.accounts import Accounts
from vectorgate.metering.bill import storage_records
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import GIB

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.harnesses.gateway import GatewayHarness
    from tests.integration.conftest import Connect
    from vectorgate.metering.model import Meter

KEY = "sk-that-stores"
RED: dict[str, Any] = {"tenant": TenantId("team:red"), "key_id": key_id_of(KEY), "end_user": "ann"}


def charge(harness: GatewayHarness, meters: Sequence[Meter]) -> None:
    """The meter posts the day, and the logger books it."""
    accounts = Accounts(harness.stores.keys, harness.stores.budgets)
    for record in accounts.assign(storage_records(meters, DAY, harness.app.deps.book)):
        harness.stores.ledger.begin(record)
    harness.settle()


@pytest.fixture
def funded(harness: GatewayHarness, ask: Callable[..., Any]) -> GatewayHarness:
    """A key with a day's budget, in a team with one for ever, for an end user with a month's."""
    harness.key(KEY, team="red", max_budget=2 * USD // 10, budget_duration="1d")
    ask("POST", "/team/new", {"team_id": "red", "max_budget": 10})
    ask("POST", "/customer/new", {"user_id": "ann", "max_budget": 10, "budget_duration": "1mo"})
    return harness


def test_a_charged_day_is_spent_by_key_team_and_end_user(funded: GatewayHarness, ask: Callable[..., Any]) -> None:
    charge(funded, [meter("vs_a", 3 * GIB * DAY_S, **RED), meter("vs_b", GIB * DAY_S, **{**RED, "end_user": None})])
    assert balance(funded, BudgetScope.KEY, key_id_of(KEY)) == Balance(0, 300_000_000)
    assert ask("GET", f"/key/info?key={KEY}")["info"]["spend_nano_usd"] == 300_000_000
    assert ask("GET", "/team/info?team_id=red")["team_info"]["spend_nano_usd"] == 300_000_000
    assert ask("GET", "/customer/info?end_user_id=ann")["spend_nano_usd"] == 225_000_000


def test_it_is_never_refused_and_beyond_the_limit_what_has_a_price_is(
    funded: GatewayHarness, connect: Connect, ask: Callable[..., Any]
) -> None:
    client = connect(KEY)
    store = client.vector_stores.create(name="a").id
    charge(funded, [meter("vs_a", 3 * GIB * DAY_S, **RED)])
    info = ask("GET", f"/key/info?key={KEY}")["info"]
    assert info["spend_nano_usd"] == 200_000_000 + CREATE > 2 * USD // 10
    over(lambda: client.vector_stores.create(name="b"))
    read = client.vector_stores.with_raw_response.retrieve(store)
    assert read.headers["x-litellm-key-spend"] == "0.203000001"
    assert read.headers["x-litellm-key-max-budget"] == "0.2"
    assert client.vector_stores.delete(store).deleted


def test_a_day_that_is_posted_after_a_new_period_began_belongs_to_its_own(
    funded: GatewayHarness, connect: Connect, ask: Callable[..., Any]
) -> None:
    funded.time.skip(86_400)
    charge(funded, [meter("vs_a", 3 * GIB * DAY_S, **RED)])
    assert balance(funded, BudgetScope.KEY, key_id_of(KEY), TODAY).spent == 200_000_000
    assert balance(funded, BudgetScope.KEY, key_id_of(KEY), "2026-03-05") == Balance()
    assert balance(funded, BudgetScope.END_USER, "ann", "2026-03-01").spent == 200_000_000
    assert balance(funded, BudgetScope.TEAM, "red", "ever").spent == 200_000_000
    assert ask("GET", f"/key/info?key={KEY}")["info"]["spend"] == 0
    connect(KEY).vector_stores.create(name="a")


def test_whoever_has_no_budget_or_no_key_any_more_is_charged_all_the_same(harness: GatewayHarness) -> None:
    harness.key(KEY)
    nobody: dict[str, Any] = {"tenant": None, "key_id": None, "end_user": None}
    gone: dict[str, Any] = {"tenant": TenantId("key:gone"), "key_id": key_id_of("sk-gone"), "end_user": "bob"}
    charge(harness, [meter(f"vs_{place}", GIB * DAY_S, **who) for place, who in enumerate((RED, nobody, gone))])
    assert [(row.budgets, row.spend) for row in harness.rows()] == [
        ((), 66_666_667),
        ((), 66_666_667),
        ((), 66_666_666),
    ]


def test_a_storage_record_that_accrues_is_found_by_its_id(harness: GatewayHarness, ask: Callable[..., Any]) -> None:
    day = meter("vs_a", 3 * GIB * DAY_S, **RED)
    harness.stores.meters.keep(day)
    (listed,) = ask("GET", "/spend/logs?start_date=2026-03-04")
    assert (listed["call_type"], listed["status"], listed["vector_store_id"]) == ("storage", "pending", "vs_a")
    path = f"/spend/logs?request_id={listed['request_id']}"
    assert ask("GET", path) == [listed]
    assert ask("GET", f"{path}&end_user=ann") == [listed]
    assert ask("GET", f"{path}&end_user=bob") == []
    charge(harness, [day])
    (booked,) = ask("GET", path)
    assert (booked["call_type"], booked["state"], booked["spend"]) == ("storage", "settled", listed["spend"])
    assert ask("GET", "/spend/logs?start_date=2026-03-04") == [booked]  # once, though the meter has the day still
    assert ask("GET", f"/spend/logs?request_id={listed['request_id'][:-1]}0") in ([], [booked])
