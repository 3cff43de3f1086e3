"""Whoever is over budget can still look at everything, take everything away, and do nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.admin import meter
from tests.harnesses.budgets import balance, charging, price
from tests.integration.budgets.test_changes import WITHIN
from tests.integration.budgets.test_storage import charge
from tests.integration.tenancy.test_isolation import RED, Town
from vectorgate.api.operations import OPERATIONS, Operation, Safety
from vectorgate.budgets.model import LIFETIME, BudgetScope
from vectorgate.ids import TenantId, key_id_of
from vectorgate.ledger.entry import State
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import GIB, PriceBook, shipped_prices

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.gateway import GatewayHarness

ANN = {"x-litellm-end-user-id": "ann"}
OWNERS = {BudgetScope.KEY: key_id_of(RED), BudgetScope.TEAM: "red", BudgetScope.END_USER: "ann"}
POSTS = {"vector_stores.search", "vector_stores.file_batches.cancel", "uploads.cancel"}
PASSES = [each for each in OPERATIONS if each.method in {"GET", "DELETE"} or each.name in POSTS]


def costly() -> PriceBook:
    """A book by which every operation has a price, so that a reservation would be one."""
    return PriceBook(
        shipped_prices(), [price(f"own.{group}", f"{group}.*", 7) for group in ("vector_stores", "files", "uploads")]
    )


@pytest.fixture
def town(harness: GatewayHarness, ask: Callable[..., Any]) -> Town:
    """Red has one of everything, and its storage has carried key, team and end user beyond their limits."""
    town = Town(harness)
    most = {"max_budget": 0.1}
    ask("POST", "/key/update", {"key": RED, **most})
    ask("POST", "/team/new", {"team_id": "red", **most})
    ask("POST", "/customer/new", {"user_id": "ann", **most})
    harness.time.skip(WITHIN)
    charge(
        harness, [meter("vs_a", 3 * GIB * DAY_S, tenant=TenantId("team:red"), key_id=key_id_of(RED), end_user="ann")]
    )
    harness.gateway = charging(harness.gateway, costly())
    assert {balance(harness, scope, name, LIFETIME).spent for scope, name in OWNERS.items()} == {200_000_000}
    return town


def test_every_read_is_among_what_passes() -> None:
    assert {operation for operation in OPERATIONS if operation.safety is Safety.READ} <= set(PASSES)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_beyond_every_limit_what_looks_or_takes_away_passes_unreserved_and_the_rest_is_refused(
    town: Town, operation: Operation
) -> None:
    named = dict.fromkeys(operation.body_ids[:1], town.named[operation.body_kind])
    answer = town.ask(operation, RED, file_ids=named, headers=ANN)
    row = town.harness.rows()[-1]
    assert (row.operation, row.reserved) == (operation.name, None)
    assert len(row.budgets) == len(OWNERS)
    assert {balance(town.harness, scope, name, LIFETIME).reserved for scope, name in OWNERS.items()} == {0}
    if operation in PASSES:
        assert (answer.status, row.state) == (200, State.ANSWERED)
    else:
        assert (answer.status, row.state, town.calls) == (429, State.VOIDED, 0)
        assert json.loads(answer.body.read())["error"]["code"] == "insufficient_quota"
