"""Calls that attach files reserve a day of their storage in every budget, from before they are forwarded to the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.prices import CREATE
from tests.fakes.upstream import answer, hang_up, refusal
from tests.harnesses.budgets import USD, balance
from vectorgate.auth.authenticate import key_id_of
from vectorgate.budgets.model import Balance, BudgetScope
from vectorgate.ledger.entry import State
from vectorgate.pricing.book import GIB

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import openai

    from tests.harnesses.gateway import Connect, GatewayHarness

HEADERS = {"x-litellm-end-user-id": "ann"}
# A GiB-day costs $0.10; a reservation is rounded up to whole nano-dollars.
SIZES = (2 * GIB, 3 * GIB + 1)
TWO, BOTH = 2 * USD // 10, 5 * USD // 10 + 1

WAYS: Mapping[str, tuple[Callable[[Any, str, list[str]], object], int]] = {
    "create with file_ids": (lambda c, _, f: c.vector_stores.create(file_ids=f, extra_headers=HEADERS), CREATE + BOTH),
    "a file": (lambda c, s, f: c.vector_stores.files.create(s, file_id=f[0], extra_headers=HEADERS), TWO),
    "a batch of ids": (lambda c, s, f: c.vector_stores.file_batches.create(s, file_ids=f, extra_headers=HEADERS), BOTH),
    "a batch of files": (
        lambda c, s, f: c.vector_stores.file_batches.create(
            s, files=[{"file_id": each, "attributes": {"a": 1}} for each in f], extra_headers=HEADERS
        ),
        BOTH,
    ),
    "a file that is named twice": (
        lambda c, s, f: c.vector_stores.file_batches.create(s, file_ids=[f[0]] * 2, extra_headers=HEADERS),
        TWO,
    ),
    "no file": (lambda c, _, __: c.vector_stores.create(extra_headers=HEADERS), CREATE),
}


def budgets(harness: GatewayHarness, key: str) -> list[Balance]:
    """Return the balances of the key, the team and the end user."""
    return [
        balance(harness, BudgetScope.KEY, key_id_of(key)),
        balance(harness, BudgetScope.TEAM, "red", "ever"),
        balance(harness, BudgetScope.END_USER, "ann", "2026-03-01"),
    ]


@pytest.fixture
def prepared(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any]
) -> tuple[str, openai.OpenAI, str, list[str]]:
    """A key with three budgets, its client, a store and two files of known sizes; all calls are settled."""
    ask("POST", "/team/new", {"team_id": "red", "max_budget": 10})
    key = str(ask("POST", "/key/generate", {"team_id": "red", "max_budget": 10, "budget_duration": "1d"})["key"])
    ask("POST", "/customer/new", {"user_id": "ann", "max_budget": 10, "budget_duration": "1mo"})
    client = connect(key)
    store = client.vector_stores.create(name="s").id
    files = []
    for number, size in enumerate(SIZES):
        document = {"id": f"file-{number}", "object": "file", "bytes": size, "created_at": 1, "purpose": "assistants"}
        harness.upstream.will(answer(200, document))
        files.append(client.files.create(file=("a.md", b"a"), purpose="assistants").id)
    harness.settle()
    return key, client, store, files


@pytest.mark.parametrize("way", WAYS)
def test_a_day_of_storage_is_reserved_in_every_budget_while_the_provider_is_asked(
    harness: GatewayHarness, prepared: tuple[str, openai.OpenAI, str, list[str]], way: str
) -> None:
    key, client, store, files = prepared
    act, amount = WAYS[way]
    before, during = budgets(harness, key), list[Balance]()

    def watched(connection: Any, received: Any) -> bool:
        during.extend(budgets(harness, key))
        return harness.openai.act(connection, received)

    harness.upstream.will(watched)
    act(client, store, files)
    assert during == [Balance(amount, each.spent) for each in before]
    harness.settle()
    cost = harness.rows()[-1].spend
    assert budgets(harness, key) == [Balance(0, each.spent + (cost or 0)) for each in before]


@pytest.mark.parametrize("way", list(WAYS)[:4])
def test_what_is_refused_releases_it_and_what_is_lost_holds_it_until_that_is_found_out(
    harness: GatewayHarness, prepared: tuple[str, openai.OpenAI, str, list[str]], way: str
) -> None:
    key, client, store, files = prepared
    act, amount = WAYS[way]
    before = budgets(harness, key)
    for outcome in (refusal(400), hang_up):
        harness.upstream.always(outcome)
        with pytest.raises(Exception, match="Error code"):
            act(client, store, files)
        row = harness.rows()[-1]
        held = amount if row.state is State.UNCERTAIN else 0
        assert budgets(harness, key) == [Balance(held, each.spent) for each in before]
        assert (held > 0) is (outcome is hang_up)
    harness.stores.ledger.advance(row.transition(State.VOIDED), since=State.UNCERTAIN)
    assert budgets(harness, key) == before


def test_each_of_the_budgets_refuses_what_it_has_no_room_for(
    harness: GatewayHarness, prepared: tuple[str, openai.OpenAI, str, list[str]], ask: Callable[..., Any]
) -> None:
    key, client, store, files = prepared
    before, calls = budgets(harness, key), harness.upstream.calls
    ask("POST", "/customer/update", {"user_id": "ann", "max_budget": before[2].spent / USD + 0.19})
    harness.time.skip(31)
    with pytest.raises(Exception, match=r"budget of this end user") as caught:
        WAYS["a file"][0](client, store, files)
    assert getattr(caught.value, "status_code", None) == 429
    assert (harness.upstream.calls, budgets(harness, key)) == (calls, before)
