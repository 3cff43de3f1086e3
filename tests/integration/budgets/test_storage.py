"""Storage counts against the budgets of its creator, in the period of the day that is charged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.prices import CREATE
from tests.harnesses.admin import meter
from tests.harnesses.budgets import TODAY, USD, balance, charge_storage, over_budget
from vectorgate.auth.authenticate import key_id_of
from vectorgate.budgets.model import Balance, BudgetScope
from vectorgate.ids import TenantId
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import GIB

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.gateway import Connect, GatewayHarness

KEY = "sk-that-stores"
RED: dict[str, Any] = {"tenant": TenantId("team:red"), "key_id": key_id_of(KEY), "end_user": "ann"}


@pytest.fixture
def funded(harness: GatewayHarness, ask: Callable[..., Any]) -> GatewayHarness:
    """A key with a daily budget, of a team with a budget without a period, for an end user with a monthly one."""
    harness.key(KEY, team="red", max_budget=2 * USD // 10, budget_duration="1d")
    ask("POST", "/team/new", {"team_id": "red", "max_budget": 10})
    ask("POST", "/customer/new", {"user_id": "ann", "max_budget": 10, "budget_duration": "1mo"})
    return harness


def test_a_charged_day_is_spent_by_key_team_and_end_user(funded: GatewayHarness, ask: Callable[..., Any]) -> None:
    charge_storage(
        funded, [meter("vs_a", 3 * GIB * DAY_S, **RED), meter("vs_b", GIB * DAY_S, **{**RED, "end_user": None})]
    )
    assert balance(funded, BudgetScope.KEY, key_id_of(KEY)) == Balance(0, 300_000_000)
    assert ask("GET", f"/key/info?key={KEY}")["info"]["spend_nano_usd"] == 300_000_000
    assert ask("GET", "/team/info?team_id=red")["team_info"]["spend_nano_usd"] == 300_000_000
    assert ask("GET", "/customer/info?end_user_id=ann")["spend_nano_usd"] == 225_000_000


def test_it_is_never_refused_and_beyond_the_limit_what_has_a_price_is(
    funded: GatewayHarness, connect: Connect, ask: Callable[..., Any]
) -> None:
    client = connect(KEY)
    store = client.vector_stores.create(name="a").id
    charge_storage(funded, [meter("vs_a", 3 * GIB * DAY_S, **RED)])
    info = ask("GET", f"/key/info?key={KEY}")["info"]
    assert info["spend_nano_usd"] == 200_000_000 + CREATE > 2 * USD // 10
    over_budget(lambda: client.vector_stores.create(name="b"))
    read = client.vector_stores.with_raw_response.retrieve(store)
    assert read.headers["x-litellm-key-spend"] == "0.203000001"
    assert read.headers["x-litellm-key-max-budget"] == "0.2"
    assert client.vector_stores.delete(store).deleted


def test_a_day_that_is_posted_after_a_new_period_began_belongs_to_its_own(
    funded: GatewayHarness, connect: Connect, ask: Callable[..., Any]
) -> None:
    funded.time.skip(86_400)
    charge_storage(funded, [meter("vs_a", 3 * GIB * DAY_S, **RED)])
    assert balance(funded, BudgetScope.KEY, key_id_of(KEY), TODAY).spent == 200_000_000
    assert balance(funded, BudgetScope.KEY, key_id_of(KEY), "2026-03-05") == Balance()
    assert balance(funded, BudgetScope.END_USER, "ann", "2026-03-01").spent == 200_000_000
    assert balance(funded, BudgetScope.TEAM, "red", "ever").spent == 200_000_000
    assert ask("GET", f"/key/info?key={KEY}")["info"]["spend"] == 0
    connect(KEY).vector_stores.create(name="a")


def test_storage_is_charged_without_a_budget_and_after_its_key_was_deleted(harness: GatewayHarness) -> None:
    harness.key(KEY)
    unowned: dict[str, Any] = {"tenant": None, "key_id": None, "end_user": None}
    deleted_key: dict[str, Any] = {
        "tenant": TenantId("key:deleted"),
        "key_id": key_id_of("sk-deleted"),
        "end_user": "bob",
    }
    charge_storage(
        harness, [meter(f"vs_{place}", GIB * DAY_S, **owner) for place, owner in enumerate((RED, unowned, deleted_key))]
    )
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
    charge_storage(harness, [day])
    (row,) = ask("GET", path)
    assert (row["call_type"], row["state"], row["spend"]) == ("storage", "settled", listed["spend"])
    assert ask("GET", "/spend/logs?start_date=2026-03-04") == [row]  # once, though the meter still has the day
    assert ask("GET", f"/spend/logs?request_id={listed['request_id'][:-1]}0") in ([], [row])
