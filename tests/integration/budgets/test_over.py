"""Over budget, reads and deletes are still admitted, and nothing else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.prices import price
from tests.harnesses.admin import meter
from tests.harnesses.budgets import CACHED_S, balance, charge_storage
from tests.harnesses.tenants import RED, TenantScenario
from vectorgate.api.operations import OPERATIONS, Operation
from vectorgate.api.safety import Safety
from vectorgate.auth.authenticate import key_id_of
from vectorgate.budgets.model import LIFETIME, BudgetScope
from vectorgate.ids import TenantId
from vectorgate.ledger.entry import State
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import GIB, PriceBook, shipped_prices

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.gateway import GatewayHarness

ANN = {"x-litellm-end-user-id": "ann"}
OWNERS = {BudgetScope.KEY: key_id_of(RED), BudgetScope.TEAM: "red", BudgetScope.END_USER: "ann"}
POSTS = {
    "vector_stores.search",
    "vector_stores.file_batches.cancel",
    "uploads.cancel",
    "responses.cancel",
    "responses.input_tokens.count",
}
PASSES = [each for each in OPERATIONS if each.method in {"GET", "DELETE"} or each.name in POSTS]


def costly() -> PriceBook:
    """Return a price book in which every operation has a price, so that each would reserve."""
    return PriceBook(
        shipped_prices(), [price(f"own.{group}", f"{group}.*", 7) for group in ("vector_stores", "files", "uploads")]
    )


@pytest.fixture
def scenario(harness: GatewayHarness, ask: Callable[..., Any]) -> TenantScenario:
    """Red owns an object of each kind, and its storage has brought key, team and end user over their limits."""
    scenario = TenantScenario(harness)
    most = {"max_budget": 0.1}
    ask("POST", "/key/update", {"key": RED, **most})
    ask("POST", "/team/new", {"team_id": "red", **most})
    ask("POST", "/customer/new", {"user_id": "ann", **most})
    harness.time.skip(CACHED_S)
    charge_storage(
        harness, [meter("vs_a", 3 * GIB * DAY_S, tenant=TenantId("team:red"), key_id=key_id_of(RED), end_user="ann")]
    )
    harness.gateway = harness.build(costly())
    assert {balance(harness, scope, name, LIFETIME).spent for scope, name in OWNERS.items()} == {200_000_000}
    return scenario


def test_every_read_is_among_what_passes() -> None:
    assert {operation for operation in OPERATIONS if operation.safety is Safety.READ} <= set(PASSES)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_beyond_every_limit_reads_and_deletes_pass_unreserved_and_the_rest_is_refused(
    scenario: TenantScenario, operation: Operation
) -> None:
    named = dict.fromkeys(operation.body_ids[:1], scenario.named[operation.body_kind])
    answer = scenario.ask(operation, RED, file_ids=named, headers=ANN)
    row = scenario.harness.rows()[-1]
    assert (row.operation, row.reserved) == (operation.name, None)
    assert len(row.budgets) == len(OWNERS)
    assert {balance(scenario.harness, scope, name, LIFETIME).reserved for scope, name in OWNERS.items()} == {0}
    if operation in PASSES:
        assert (answer.status, row.state) == (200, State.ANSWERED)
    else:
        assert (answer.status, row.state, scenario.calls) == (429, State.VOIDED, 0)
        assert json.loads(answer.read_body())["error"]["code"] == "insufficient_quota"
