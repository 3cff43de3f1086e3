"""A person's budget: what all the keys that name them spend, storage included, whatever their teams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.factories.prices import CREATE
from tests.harnesses.admin import DAY, meter
from tests.harnesses.budgets import TOMORROW, USD, balance, charge_storage, over_budget
from vectorgate.auth.authenticate import key_id_of
from vectorgate.budgets.model import Balance, BudgetScope
from vectorgate.ids import TenantId
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import GIB

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.gateway import Connect, GatewayHarness

    Ask = Callable[..., Any]


def keys_of(ask: Ask, **terms: object) -> list[str]:
    """Ann's keys, one of team red and one without a team; Ann's terms."""
    ask("POST", "/team/new", {"team_id": "red"})
    first = str(ask("POST", "/user/new", {"user_id": "ann", "team_id": "red"} | terms)["key"])
    return [first, str(ask("POST", "/key/generate", {"user_id": "ann"})["key"])]


def test_all_keys_of_a_person_share_the_budget_which_resets(
    harness: GatewayHarness, connect: Connect, ask: Ask
) -> None:
    keys = keys_of(ask, max_budget=2 * CREATE / USD, budget_duration="1d")
    clients = [connect(key) for key in keys]
    for client in clients:
        client.vector_stores.create(name="a")
    for client in clients:
        error = over_budget(client.vector_stores.create)
        assert "The budget of this user is exceeded" in error.message
    harness.settle()
    assert balance(harness, BudgetScope.USER, "ann") == Balance(0, 2 * CREATE)
    info = ask("GET", "/user/info?user_id=ann")["user_info"]
    assert (info["spend_nano_usd"], info["budget_reset_at"]) == (2 * CREATE, TOMORROW)
    (listed,) = ask("GET", "/user/list")["users"]
    assert (listed["spend_nano_usd"], listed["max_budget"]) == (2 * CREATE, 2 * CREATE / USD)
    harness.time.skip(DAY_S)
    clients[0].vector_stores.create(name="a")


def test_storage_of_their_keys_counts_and_refuses_the_next_create(
    harness: GatewayHarness, connect: Connect, ask: Ask
) -> None:
    keys = keys_of(ask, max_budget=0.2)
    of_key = {"tenant": TenantId("team:red"), "key_id": key_id_of(keys[0]), "end_user": None}
    charge_storage(harness, [meter("vs_1", 3 * GIB * DAY_S, day=DAY, **of_key)])
    assert balance(harness, BudgetScope.USER, "ann", "ever").spent == USD // 5
    assert "budget of this user" in over_budget(connect(keys[1]).vector_stores.create).message


def test_a_person_without_a_budget_costs_no_account_and_one_with_a_rate_has_it(
    harness: GatewayHarness, connect: Connect, ask: Ask
) -> None:
    keys = keys_of(ask)
    connect(keys[1]).vector_stores.create(name="a")
    assert harness.rows()[-1].budgets == ()
    ask("POST", "/user/update", {"user_id": "ann", "rpm_limit": 1})
    harness.time.skip(6)
    connect(keys[0]).vector_stores.create(name="b")
    with pytest.raises(openai.RateLimitError, match="Rate limit reached for this user"):
        connect(keys[1]).vector_stores.create(name="c")
    ask("POST", "/user/delete", {"user_ids": ["ann"]})
    harness.time.skip(66)
    with pytest.raises(openai.AuthenticationError):
        connect(keys[0]).vector_stores.create(name="d")
