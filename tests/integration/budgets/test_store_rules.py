"""Rules for a team's stores: when they expire, how many there are, and how much they hold."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openai
import pytest

from local.mistakes import CannotStart
from local.settings import LocalSettings
from tests.fakes.openai import store_document
from tests.fakes.upstream import answer, refusal
from tests.harnesses.budgets import create_at_once
from vectorgate.bootstrap import build_gateway, build_meter
from vectorgate.budgets.model import Balance
from vectorgate.budgets.store_rules import StoreRules, store_account
from vectorgate.pricing.book import GIB
from vectorgate.settings import parse_store_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from openai import OpenAI

    from tests.harnesses.gateway import Connect, GatewayHarness

    Ask = Callable[..., Any]


@pytest.fixture
def red(harness: GatewayHarness, connect: Connect) -> OpenAI:
    """A client of team red."""
    return connect(harness.key("sk-red", team="red"))


def rule(ask: Ask, **rules: object) -> Any:
    return ask("POST", "/team/new", {"team_id": "red"} | rules)


def change(ask: Ask, **rules: object) -> Any:
    return ask("POST", "/team/update", {"team_id": "red"} | rules)


def refused(act: Callable[[], object]) -> Any:
    """The error of a call that passes a limit."""
    with pytest.raises(openai.RateLimitError) as caught:
        act()
    assert caught.value.response.headers["x-should-retry"] == "false"
    return caught.value.body


def sent(harness: GatewayHarness) -> object:
    """The expiry that the provider was last sent."""
    return harness.upstream.received[-1].document.get("expires_after")


def counted(harness: GatewayHarness) -> Balance | None:
    account = store_account("red")
    return harness.stores.budgets.balances([account]).get(account)


def test_a_store_without_an_expiry_gets_the_teams_default_and_a_longer_one_is_400(
    harness: GatewayHarness, red: OpenAI, ask: Ask
) -> None:
    shown = rule(ask, default_expires_after_days=30, max_expires_after_days=90)
    assert (shown["default_expires_after_days"], shown["max_vector_stores"]) == (30, None)
    store = red.vector_stores.create(name="a").id
    assert sent(harness) == {"anchor": "last_active_at", "days": 30}
    red.vector_stores.create(expires_after={"anchor": "last_active_at", "days": 90})
    assert sent(harness) == {"anchor": "last_active_at", "days": 90}
    calls = harness.upstream.calls
    for act in (red.vector_stores.create, lambda **body: red.vector_stores.update(store, **body)):
        with pytest.raises(openai.BadRequestError, match="<= 90") as caught:
            act(expires_after={"anchor": "last_active_at", "days": 91})
        assert caught.value.param == "expires_after.days"
    with pytest.raises(openai.BadRequestError, match="90 days after their last use") as caught:
        red.vector_stores.update(store, expires_after=None)
    assert (caught.value.code, harness.upstream.calls) == ("expiry_required", calls)
    red.vector_stores.update(store, name="b")
    change(ask, default_expires_after_days=None, max_expires_after_days=None)
    harness.gateway.forget()
    red.vector_stores.create(name="c")
    assert sent(harness) is None


def test_a_longest_expiry_alone_is_the_default_too_and_a_default_alone_may_be_passed_and_removed(
    harness: GatewayHarness, red: OpenAI, ask: Ask
) -> None:
    rule(ask, max_expires_after_days=7)
    red.vector_stores.create(name="a")
    assert sent(harness) == {"anchor": "last_active_at", "days": 7}
    change(ask, max_expires_after_days=None, default_expires_after_days=5)
    harness.gateway.forget()
    store = red.vector_stores.create(expires_after={"anchor": "last_active_at", "days": 300}).id
    assert red.vector_stores.update(store, expires_after=None).id == store


def test_the_deployments_rules_hold_for_every_key_and_a_teams_own_value_comes_first(
    harness: GatewayHarness, connect: Connect, ask: Ask
) -> None:
    harness.settings = replace(harness.settings, store_rules={"default_expires_after_days": 3, "max_vector_stores": 1})
    harness.gateway = build_gateway(harness.settings, harness.deps)
    rule(ask, default_expires_after_days=30)
    for key, team, days in (("sk-red", "red", 30), ("sk-blue", "blue", 3), ("sk-alone", None, 3)):
        client = connect(harness.key(key, team=team))
        client.vector_stores.create(name="a")
        assert sent(harness) == {"anchor": "last_active_at", "days": days}
        if team is None:
            client.vector_stores.create(name="b")  # a key without a team has no limit of stores
        else:
            refused(client.vector_stores.create)


def test_a_limit_of_stores_counts_those_from_before_and_says_the_limit_and_what_is_used(
    harness: GatewayHarness, red: OpenAI, ask: Ask
) -> None:
    stores = [red.vector_stores.create(name=name).id for name in "ab"]
    harness.settle()
    rule(ask, max_vector_stores=3)
    harness.gateway.forget()
    stores.append(red.vector_stores.create(name="c").id)
    calls = harness.upstream.calls
    error = refused(lambda: red.vector_stores.create(name="d"))
    assert (error["code"], error["type"]) == ("vector_store_limit_reached", "insufficient_quota")
    assert "may have 3 vector stores, and has 3" in error["message"]
    assert harness.upstream.calls == calls
    red.vector_stores.delete(stores[0])
    harness.settle()
    assert counted(harness) == Balance(reserved=0, spent=2)
    red.vector_stores.create(name="d")
    change(ask, max_vector_stores=4)
    harness.gateway.forget()
    red.vector_stores.create(name="e")
    refused(lambda: red.vector_stores.create(name="f"))


def test_a_limit_of_stores_that_is_set_again_counts_those_that_were_made_without_it(
    harness: GatewayHarness, red: OpenAI, ask: Ask
) -> None:
    rule(ask, max_vector_stores=2)
    red.vector_stores.create(name="a")
    harness.settle()
    for again in ({"max_vector_stores": None}, {}):  # removed for a while; or left wrong in another way
        change(ask, **again)
        harness.gateway.forget()
        if again:
            red.vector_stores.create(name="b")
        else:
            harness.stores.budgets.set_spent(store_account("red"), 0)
        harness.settle()
        change(ask, max_vector_stores=2)
        harness.gateway.forget()
        assert "may have 2 vector stores, and has 2" in refused(red.vector_stores.create)["message"]


def test_a_create_under_way_keeps_its_place_while_the_stores_are_counted_again(
    harness: GatewayHarness, red: OpenAI, ask: Ask
) -> None:
    rule(ask, max_vector_stores=2)
    other = harness.key("sk-red-2", team="red")

    def counted_again(connection: Any, received: Any) -> bool:
        change(ask, max_vector_stores=2)
        harness.gateway.forget()
        assert create_at_once(harness.gateway, other, 2) == {200: 1, 429: 1}
        return harness.openai.act(connection, received)

    harness.upstream.will(counted_again)
    red.vector_stores.create(name="a")
    harness.settle()
    assert (counted(harness), len(harness.openai.stores)) == (Balance(reserved=0, spent=2), 2)


def test_a_create_that_fails_gives_its_place_back_and_one_at_a_limit_of_none_takes_none(
    harness: GatewayHarness, red: OpenAI, ask: Ask
) -> None:
    rule(ask, max_vector_stores=1)
    for act in (refusal(400, "no"), answer(200, {"object": "nonsense"})):
        harness.upstream.will(act)
        with pytest.raises(openai.APIStatusError):
            red.vector_stores.create(name="a")
    meter = build_meter(harness.settings, harness.deps)
    for _ in range(3):
        harness.time.skip(300)
        meter.tick()
        harness.settle()
    assert counted(harness) == Balance(reserved=0, spent=0)
    store = red.vector_stores.create(name="a", extra_headers={"Idempotency-Key": "k"})
    assert red.vector_stores.create(name="a", extra_headers={"Idempotency-Key": "k"}).id == store.id
    harness.settle()
    assert counted(harness) == Balance(reserved=0, spent=1)
    change(ask, max_vector_stores=0)
    harness.gateway.forget()
    red.vector_stores.delete(store.id)
    harness.settle()
    refused(lambda: red.vector_stores.create(name="b"))


@pytest.mark.usefixtures("red")
def test_the_limit_is_never_passed_by_creates_at_once(harness: GatewayHarness, ask: Ask) -> None:
    rule(ask, max_vector_stores=5)
    assert create_at_once(harness.gateway, "sk-red", 12) == {200: 5, 429: 7}
    assert len(harness.openai.stores) == 5
    harness.settle()
    assert counted(harness) == Balance(reserved=0, spent=5)


def test_adoptions_and_transfers_change_the_number_and_are_not_refused(
    harness: GatewayHarness, red: OpenAI, ask: Ask
) -> None:
    rule(ask, max_vector_stores=1)
    store = red.vector_stores.create(name="a").id
    harness.openai.stores["vs_old"] = store_document("vs_old")
    harness.settle()
    ask("POST", "/vector_stores/adopt", {"team_id": "red", "ids": ["vs_old"], "dry_run": False})
    assert counted(harness) == Balance(reserved=0, spent=2)
    ask("POST", "/team/new", {"team_id": "blue"})
    for name in (store, "vs_old"):
        ask("POST", f"/vector_stores/{name}/transfer", {"team_id": "blue"})
    assert counted(harness) == Balance(reserved=0, spent=0)


def test_a_limit_of_gib_refuses_to_store_more_by_the_last_metered_bytes(
    harness: GatewayHarness, red: OpenAI, ask: Ask
) -> None:
    rule(ask, max_vector_store_gib=1)
    store, file = red.vector_stores.create(name="a").id, red.files.create(file=b"x", purpose="assistants").id
    red.vector_stores.files.create(store, file_id=file)
    harness.openai.stores[store]["usage_bytes"] = GIB
    meter = build_meter(harness.settings, harness.deps)
    meter.sampler.sample(meter.sampler.providers[0])  # type: ignore[index]
    acts: list[Callable[[], object]] = [
        lambda: red.vector_stores.files.create(store, file_id=file),
        lambda: red.vector_stores.file_batches.create(store, file_ids=[file]),
        lambda: red.vector_stores.create(file_ids=[file]),
    ]
    for act in acts:
        error = refused(act)
        assert error["code"] == "vector_store_storage_limit_reached"
        assert "may hold 1 GiB, and held 1.0 GiB when they were last metered" in error["message"]
    red.vector_stores.create(name="empty")
    red.vector_stores.files.delete(file, vector_store_id=store)
    harness.openai.stores[store]["usage_bytes"] = GIB - 1
    harness.time.skip(60)
    meter.sampler.sample(meter.sampler.providers[0])  # type: ignore[index]
    red.vector_stores.files.create(store, file_id=file)


def test_a_shared_store_is_kept_to_its_owners_rules(
    harness: GatewayHarness, red: OpenAI, connect: Connect, ask: Ask
) -> None:
    rule(ask, max_vector_store_gib=0, max_expires_after_days=9)
    ask("POST", "/team/new", {"team_id": "blue"})
    store = red.vector_stores.create(name="a").id
    ask("POST", f"/vector_stores/{store}/share", {"team_id": "blue", "permission": "write"})
    blue = connect(harness.key("sk-blue", team="blue"))
    own, file = blue.vector_stores.create(name="b").id, blue.files.create(file=b"x", purpose="assistants").id
    error = refused(lambda: blue.vector_stores.files.create(store, file_id=file))
    assert error["code"] == "vector_store_storage_limit_reached"
    with pytest.raises(openai.BadRequestError, match="<= 9"):
        blue.vector_stores.update(store, expires_after={"anchor": "last_active_at", "days": 10})
    blue.vector_stores.files.create(own, file_id=file)
    blue.vector_stores.update(own, expires_after={"anchor": "last_active_at", "days": 10})


def test_rules_are_read_strictly_and_a_team_without_them_calls_as_before(harness: GatewayHarness, red: OpenAI) -> None:
    for wrong in ("", "[]", "{", '{"max_stores": 1}', '{"max_vector_stores": -1}', '{"max_vector_stores": true}'):
        with pytest.raises(ValueError, match="VECTORGATE_STORE_RULES"):
            parse_store_rules(wrong)
    with pytest.raises(CannotStart, match="VECTORGATE_STORE_RULES"):
        LocalSettings.read({"VECTORGATE_STORE_RULES": "[]"})
    assert LocalSettings.read({"VECTORGATE_STORE_RULES": ""}).store_rules is None
    text = '{"max_expires_after_days":7,"max_vector_stores":0}'
    assert StoreRules.read(text).text() == text
    assert StoreRules.read(None).text() is None
    red.vector_stores.create(name="a")
    assert counted(harness) is None
