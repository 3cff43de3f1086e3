"""A changed limit is in force once the caches expire; what is in progress ends under the old one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.factories.prices import CREATE
from tests.harnesses.budgets import CACHED_S, USD, balance, key_with, over_budget
from vectorgate.auth.authenticate import key_id_of
from vectorgate.budgets.model import Balance, BudgetScope

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.gateway import Connect, GatewayHarness

PLACES = {
    BudgetScope.KEY: ("/key/update", "key"),
    BudgetScope.TEAM: ("/team/update", "team_id"),
    BudgetScope.END_USER: ("/customer/update", "user_id"),
}


@pytest.fixture(params=[BudgetScope.KEY, BudgetScope.TEAM, BudgetScope.END_USER])
def scope(request: pytest.FixtureRequest) -> BudgetScope:
    """Each scope in turn."""
    return BudgetScope(request.param)


class Bounded:
    """A key of team red for end user ann; one of the three has a budget of one create."""

    def __init__(self, scope: BudgetScope, connect: Connect, ask: Callable[..., Any]) -> None:
        most = CREATE / USD
        ask("POST", "/team/new", {"team_id": "red"} | ({"max_budget": most} if scope is BudgetScope.TEAM else {}))
        self.key = str(ask("POST", "/key/generate", {"team_id": "red"})["key"])
        if scope is BudgetScope.KEY:
            self.key = key_with(ask, 1, team_id="red", budget_duration=None)
        elif scope is BudgetScope.END_USER:
            ask("POST", "/customer/new", {"user_id": "ann", "max_budget": most})
        self.name = {BudgetScope.KEY: self.key, BudgetScope.TEAM: "red", BudgetScope.END_USER: "ann"}[scope]
        self.account = key_id_of(self.key) if scope is BudgetScope.KEY else self.name
        self._client, self._ask, self._scope = connect(self.key), ask, scope

    def update(self, **terms: object) -> Any:
        """Change the budget."""
        path, field = PLACES[self._scope]
        return self._ask("POST", path, {field: self.name, **terms})

    def create(self) -> object:
        """Create a store for ann."""
        return self._client.vector_stores.create(name="a", extra_headers={"x-litellm-end-user-id": "ann"})


def test_a_raised_limit_lets_more_through_and_a_lowered_one_less(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any], scope: BudgetScope
) -> None:
    bounded = Bounded(scope, connect, ask)
    bounded.create()
    over_budget(bounded.create)
    assert bounded.update(max_budget=3 * CREATE / USD)["max_budget"] == 3 * CREATE / USD
    harness.time.skip(CACHED_S)
    bounded.create()
    harness.settle()
    assert bounded.update(max_budget=CREATE / USD)["spend_nano_usd"] == 2 * CREATE  # less than is spent
    harness.time.skip(CACHED_S)
    over_budget(bounded.create)
    assert bounded.update(max_budget=None)["max_budget"] is None
    harness.time.skip(CACHED_S)
    bounded.create()
    bounded.create()


def test_what_is_in_progress_when_the_limit_is_lowered_is_settled_in_full(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any], scope: BudgetScope
) -> None:
    bounded = Bounded(scope, connect, ask)

    def change_limit(connection: Any, received: Any) -> bool:
        assert balance(harness, scope, bounded.account, "ever") == Balance(CREATE, 0)
        bounded.update(max_budget=0)
        return harness.openai.act(connection, received)

    harness.upstream.will(change_limit)
    bounded.create()
    harness.settle()
    assert balance(harness, scope, bounded.account, "ever") == Balance(0, CREATE)


def test_a_blocked_key_team_or_end_user_is_refused_until_unblocked(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any], scope: BudgetScope
) -> None:
    bounded = Bounded(scope, connect, ask)
    bounded.create()
    bounded.update(blocked=True, max_budget=10)
    harness.time.skip(CACHED_S)
    calls = harness.upstream.calls
    with pytest.raises(openai.PermissionDeniedError) as caught:
        bounded.create()
    assert caught.value.code == "blocked"
    assert f"This {scope.replace('_', ' ')} is blocked." in caught.value.message
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert harness.upstream.calls == calls
    bounded.update(blocked=False)
    harness.time.skip(CACHED_S)
    bounded.create()
