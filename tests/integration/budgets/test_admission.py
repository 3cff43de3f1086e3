"""Budgets over sockets: set by the administrator, enforced for the client, and nothing left reserved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.factories.prices import CREATE, SEARCH, charging_book
from tests.fakes.constant_provider import ConstantProvider
from tests.fakes.openai import store_document
from tests.fakes.upstream import answer, hang_up, refusal
from tests.harnesses.budgets import TODAY, TOMORROW, USD, balance, create_at_once, key_with, over_budget
from vectorgate.auth.authenticate import key_id_of
from vectorgate.budgets.model import Balance, BudgetScope
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.gateway import Connect, GatewayHarness
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.ids import KeyId


def test_a_budget_is_set_shown_used_up_and_refused(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any]
) -> None:
    key = key_with(ask, 2)
    client = connect(key, max_retries=2)
    first = client.vector_stores.with_raw_response.create(name="a")
    assert first.headers["x-litellm-key-spend"] == f"0.00{CREATE}"
    assert first.headers["x-litellm-key-max-budget"] == f"0.00{2 * CREATE}"
    client.vector_stores.create(name="b")
    error = over_budget(lambda: client.vector_stores.create(name="c"))
    assert (error.type, error.code) == ("insufficient_quota", "insufficient_quota")
    assert all(part in error.message for part in ("key", f"0.00{2 * CREATE} USD", TODAY, TOMORROW))
    assert f"needs 0.00{CREATE} USD; 0 USD are left, and calls in progress have 0.00{2 * CREATE} USD" in error.message
    assert error.response.headers["x-should-retry"] == "false"
    assert harness.upstream.calls == 2
    assert (harness.rows()[-1].state, harness.rows()[-1].status_code) == (State.VOIDED, 429)
    info = ask("GET", f"/key/info?key={key}")["info"]
    assert (info["spend"], info["reserved"], info["budget_reset_at"]) == (0, 2 * CREATE / USD, TOMORROW)
    harness.settle()
    info = ask("GET", f"/key/info?key={key}")["info"]
    assert (info["spend_nano_usd"], info["reserved"], info["max_budget"]) == (2 * CREATE, 0, 2 * CREATE / USD)


def test_reads_and_deletes_always_pass_and_what_they_cost_is_spent(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any]
) -> None:
    key = key_with(ask, 1)
    client = connect(key)
    store = client.vector_stores.create(name="a").id
    harness.settle()
    client.vector_stores.search(store, query="q")
    client.vector_stores.retrieve(store)
    client.vector_stores.list()
    harness.settle()
    assert balance(harness, BudgetScope.KEY, key_id_of(key)) == Balance(0, CREATE + SEARCH)
    over_budget(lambda: client.vector_stores.update(store, name="b"))
    assert client.vector_stores.delete(store).deleted


def test_the_budget_resets_with_the_next_day(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any]
) -> None:
    client = connect(key_with(ask, 1))
    client.vector_stores.create(name="a")
    over_budget(lambda: client.vector_stores.create(name="b"))
    harness.time.skip(86_400)
    client.vector_stores.create(name="c")
    over_budget(lambda: client.vector_stores.create(name="d"))


def test_a_call_counts_in_the_period_in_which_it_began(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = key_with(ask, 1)
    harness.time.skip(86_390 - harness.time.wall() % 86_400)
    read = harness.stores.keys.key

    def slowly(key_id: KeyId) -> VirtualKey | None:
        harness.time.skip(20)
        return read(key_id)

    monkeypatch.setattr(harness.stores.keys, "key", slowly)
    connect(key).vector_stores.create(name="x")
    assert harness.time.wall() % 86_400 < 80_000
    harness.settle()
    assert balance(harness, BudgetScope.KEY, key_id_of(key)).spent == CREATE
    assert balance(harness, BudgetScope.KEY, key_id_of(key), TOMORROW[:10]).spent == 0


@pytest.mark.parametrize("scope", [BudgetScope.TEAM, BudgetScope.END_USER])
def test_teams_and_end_users_have_budgets_that_their_keys_share(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any], scope: BudgetScope
) -> None:
    limit = {"max_budget": 2 * CREATE / USD, "budget_duration": "1mo"}
    if scope is BudgetScope.TEAM:
        assert ask("POST", "/team/new", {"team_id": "red", **limit})["max_budget"] == 2 * CREATE / USD
        clients = [connect(harness.key(f"sk-{name}-red", team="red")) for name in "ab"]
        headers: dict[str, str] = {}
    else:
        ask("POST", "/customer/new", {"user_id": "red", **limit})
        clients = [connect(harness.key(f"sk-{name}-red")) for name in "ab"]
        headers = {"x-litellm-end-user-id": "red"}
    for client in clients:
        client.vector_stores.create(name="a", extra_headers=headers)
    error = over_budget(lambda: clients[0].vector_stores.create(name="b", extra_headers=headers))
    assert all(part in error.message for part in (scope.replace("_", " "), "2026-03-01", "2026-04-01"))
    harness.settle()
    assert balance(harness, scope, "red", "2026-03-01") == Balance(0, 2 * CREATE)
    shown = (
        ask("GET", "/team/info?team_id=red")["team_info"]
        if scope is BudgetScope.TEAM
        else ask("GET", "/customer/info?end_user_id=red")
    )
    assert shown["spend_nano_usd"] == 2 * CREATE


def test_a_limit_is_given_once_and_must_make_sense(ask: Callable[..., Any]) -> None:
    ask("POST", "/team/new", {"team_id": "red", "max_budget": 1})
    for path, body in [
        ("/team/new", {"team_id": "red", "max_budget": 2}),
        ("/customer/new", {}),
        ("/team/new", {"team_id": "a#b", "max_budget": 1}),
        ("/team/new", {"team_id": "blue", "max_budget": -1}),
        ("/customer/new", {"user_id": "x", "max_budget": 1, "budget_duration": "soon"}),
        ("/key/generate", {"max_budget": 1e-12}),
    ]:
        assert ask("POST", path, body)["error"]["type"] == "invalid_request_error"
    assert ask("GET", "/team/info?team_id=green")["error"]["message"] == "No such team."


@pytest.mark.usefixtures("only_the_sweep_looks")
@pytest.mark.parametrize("act", [refusal(400), refusal(429), refusal(500), hang_up], ids=["400", "429", "500", "lost"])
def test_what_was_not_executed_is_released_and_what_is_unknown_is_not(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any], act: Any
) -> None:
    key = key_with(ask, 1)
    client = connect(key)
    harness.upstream.will(act)
    with pytest.raises(openai.APIStatusError):
        client.vector_stores.create(name="a")
    held = CREATE if harness.row().state is State.UNCERTAIN else 0
    assert balance(harness, BudgetScope.KEY, key_id_of(key)) == Balance(held, 0)
    if held:
        over_budget(lambda: client.vector_stores.create(name="b"))
        harness.stores.ledger.advance(harness.rows()[0].transition(State.VOIDED), since=State.UNCERTAIN)
    client.vector_stores.create(name="b")


def test_a_replay_and_a_mock_reserve_nothing(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any]
) -> None:
    key = key_with(ask, 1)
    client = connect(key)
    for _ in range(3):
        client.vector_stores.create(name="a", extra_headers={"Idempotency-Key": "k"})
    client.vector_stores.create(name="a", extra_body={"mock_response": store_document("vs_m")})
    harness.settle()
    assert balance(harness, BudgetScope.KEY, key_id_of(key)) == Balance(0, CREATE)


def test_a_soft_budget_is_reported_and_refuses_no_call(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any]
) -> None:
    key = str(ask("POST", "/key/generate", {"soft_budget": CREATE / USD})["key"])
    client = connect(key)
    assert "x-vectorgate-soft-budget-exceeded" not in client.vector_stores.with_raw_response.create(name="a").headers
    harness.settle()
    answer = client.vector_stores.with_raw_response.create(name="b")
    assert answer.headers["x-vectorgate-soft-budget-exceeded"] == "key"
    assert "x-litellm-key-max-budget" not in answer.headers


@pytest.mark.parametrize("fields", [{"team_alias": "Red"}, {"soft_budget": 1}, {"max_budget": 1}])
def test_what_is_released_was_set_aside_in_every_account_bounded_or_not(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any], fields: dict[str, object]
) -> None:
    ask("POST", "/team/new", {"team_id": "red", **fields})
    client = connect(key_with(ask, 2, team_id="red"))
    client.vector_stores.create(name="a")
    assert balance(harness, BudgetScope.TEAM, "red", "ever") == Balance(CREATE, 0)
    harness.settle()
    assert balance(harness, BudgetScope.TEAM, "red", "ever") == Balance(0, CREATE)


def test_attaching_a_file_reserves_a_day_of_its_storage(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any]
) -> None:
    key = str(ask("POST", "/key/generate", {"max_budget": 0.25})["key"])
    client = connect(key)
    store = client.vector_stores.create(name="a").id
    harness.settle()
    usual = harness.openai.act
    for size, fits in ((2 << 30, True), (3 << 30, False)):
        file = {"id": f"file-{size}", "object": "file", "bytes": size, "created_at": 1, "purpose": "assistants"}
        harness.upstream.always(lambda c, r, file=file: answer(200, file)(c, r))  # type: ignore[misc]
        client.files.create(file=("a.md", b"a"), purpose="assistants")
        harness.upstream.always(usual)
        if fits:
            client.vector_stores.files.create(store, file_id=str(file["id"]))
            assert harness.rows()[-1].reserved == 200_000_000
        else:
            over_budget(lambda file=file: client.vector_stores.files.create(store, file_id=str(file["id"])))  # type: ignore[misc]
    harness.settle()
    assert balance(harness, BudgetScope.KEY, key_id_of(key), "ever") == Balance(0, CREATE)


@pytest.mark.parametrize("figure", [-(10**12), 1.5, 10**30, True, "5"], ids=str)
def test_an_invalid_figure_credits_no_account(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any], figure: object
) -> None:
    """Row 14 of docs/security.md."""
    key = str(ask("POST", "/key/generate", {"max_budget": 1})["key"])
    client = connect(key)
    store = client.vector_stores.create(name="a").id
    file = {"id": "file-odd", "object": "file", "bytes": figure, "created_at": 1, "purpose": "assistants"}
    harness.upstream.will(answer(200, file))
    client.files.with_raw_response.create(file=("a.md", b"a"), purpose="assistants")
    assert harness.rows()[-1].quarantined == ("bytes",)
    client.vector_stores.files.create(store, file_id="file-odd")
    assert harness.rows()[-1].quarantined == ("bytes",)
    assert harness.rows()[-1].reserved is None
    harness.settle()
    assert balance(harness, BudgetScope.KEY, key_id_of(key), "ever") == Balance(0, CREATE)


def test_of_a_thousand_requests_at_once_as_many_pass_as_the_budget_has_room_for(
    harness: GatewayHarness, ask: Callable[..., Any]
) -> None:
    requests, fitting = 1_000, 387
    key = key_with(ask, 0, max_budget=(fitting * CREATE + CREATE - 1) / USD)
    gateway = harness.build(charging_book(), transport=ConstantProvider())
    assert create_at_once(gateway, key, requests) == {200: fitting, 429: requests - fitting}
    assert balance(harness, BudgetScope.KEY, key_id_of(key)) == Balance(fitting * CREATE, 0)
    while harness.settle():
        pass
    assert balance(harness, BudgetScope.KEY, key_id_of(key)) == Balance(0, fitting * CREATE)
