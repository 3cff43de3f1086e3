"""What a team stores in a store that another shares with it is paid by the owner: its budgets are asked first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.fakes.upstream import answer
from tests.harnesses.budgets import USD, balance
from vectorgate.auth.authenticate import key_id_of
from vectorgate.budgets.model import Account, Balance, BudgetScope, Subject
from vectorgate.pricing.book import GIB

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.gateway import Connect, GatewayHarness

    Ask = Callable[..., Any]

SIZE = 2 * GIB  # 20 cents a day


class Borrowed:
    """Red's store, which blue may write to, and a file of blue's; the store's key, team and end user are Red's."""

    def __init__(self, harness: GatewayHarness, connect: Connect, ask: Ask) -> None:
        self.harness, self.ask = harness, ask
        ask("POST", "/team/new", {"team_id": "red", "max_budget": 10})
        ask("POST", "/team/new", {"team_id": "blue", "max_budget": 0.1})
        ask("POST", "/customer/new", {"user_id": "ann", "max_budget": 10})
        self.red_key = str(ask("POST", "/key/generate", {"team_id": "red", "max_budget": 10})["key"])
        headers = {"x-litellm-end-user-id": "ann"}
        self.store = connect(self.red_key).vector_stores.create(name="s", extra_headers=headers).id
        ask("POST", f"/vector_stores/{self.store}/share", {"team_id": "blue", "permission": "write"})
        self.blue = connect(str(ask("POST", "/key/generate", {"team_id": "blue"})["key"]))
        document = {"id": "file-1", "object": "file", "bytes": SIZE, "created_at": 1, "purpose": "assistants"}
        harness.upstream.will(answer(200, document))
        self.blue.files.create(file=("a.md", b"a"), purpose="assistants")
        harness.settle()

    def attach(self, **headers: str) -> None:
        """Blue's file."""
        self.blue.vector_stores.files.create(self.store, file_id="file-1", extra_headers=headers)

    def limit(self, scope: str, dollars: float) -> None:
        """Leave so much room in one of red's budgets."""
        kinds = {
            "key": ("/key/update", {"key": self.red_key}, BudgetScope.KEY, key_id_of(self.red_key)),
            "team": ("/team/update", {"team_id": "red"}, BudgetScope.TEAM, "red"),
            "customer": ("/customer/update", {"user_id": "ann"}, BudgetScope.END_USER, "ann"),
        }
        path, body, kind, name = kinds[scope]
        account = Account(Subject(kind, name), "ever")
        spent = self.harness.stores.budgets.balances([account])[account].spent
        self.ask("POST", path, body | {"max_budget": spent / USD + dollars})
        self.harness.time.skip(6)


@pytest.fixture
def borrowed(harness: GatewayHarness, connect: Connect, ask: Ask) -> Borrowed:
    return Borrowed(harness, connect, ask)


@pytest.mark.parametrize("scope", ["key", "team", "customer"])
def test_each_budget_of_the_owner_is_asked_for_a_day_of_storage_and_tells_no_figure(
    borrowed: Borrowed, scope: str
) -> None:
    borrowed.limit(scope, 0.19)
    calls = borrowed.harness.upstream.calls
    for attach in (
        borrowed.attach,
        lambda: borrowed.blue.vector_stores.file_batches.create(borrowed.store, file_ids=["file-1"]),
    ):
        with pytest.raises(openai.RateLimitError, match="owner of this vector store pays") as caught:
            attach()
        assert caught.value.code == "insufficient_quota"
        assert not any(letter.isdigit() for letter in str(caught.value.body))
    assert borrowed.harness.upstream.calls == calls
    borrowed.limit(scope, 0.2)
    borrowed.attach()


def test_the_borrower_reserves_its_call_alone_and_the_owners_accounts_stay_as_they_are(borrowed: Borrowed) -> None:
    harness, during = borrowed.harness, list[Balance]()
    before = balance(harness, BudgetScope.TEAM, "red", "ever")

    def watched(connection: Any, received: Any) -> bool:
        during.extend(balance(harness, BudgetScope.TEAM, team, "ever") for team in ("red", "blue"))
        return harness.openai.act(connection, received)

    harness.upstream.will(watched)
    borrowed.attach()  # a day of it costs twice what blue has
    assert [each.reserved for each in during] == [0, 0]
    harness.settle()
    assert balance(harness, BudgetScope.TEAM, "red", "ever") == before
    assert balance(harness, BudgetScope.TEAM, "blue", "ever").reserved == 0


def test_a_budget_that_is_both_the_callers_and_the_owners_is_asked_once(borrowed: Borrowed) -> None:
    borrowed.limit("customer", 0.19)
    with pytest.raises(openai.RateLimitError, match="budget of this end user"):
        borrowed.attach(**{"x-litellm-end-user-id": "ann"})
    borrowed.limit("customer", 0.25)
    borrowed.attach(**{"x-litellm-end-user-id": "ann"})


def test_what_the_owners_stores_may_hold_is_refused_without_a_figure(borrowed: Borrowed) -> None:
    borrowed.ask("POST", "/team/update", {"team_id": "red", "max_vector_store_gib": 0})
    borrowed.harness.time.skip(6)
    with pytest.raises(openai.RateLimitError, match="owner of this vector store has reached") as caught:
        borrowed.attach()
    assert not any(letter.isdigit() for letter in str(caught.value.body))
