"""Many responses under faults: what is recorded is what the provider counted, and nothing stays reserved."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.fakes.upstream import hang_up, refusal
from vectorgate.auth.authenticate import key_id_of
from vectorgate.bootstrap import build_meter
from vectorgate.budgets.model import LIFETIME, Account, Balance, BudgetScope, Subject
from vectorgate.ledger.entry import Resolution, State
from vectorgate.pricing.money import NanoUSD, rounded_ratio

if TYPE_CHECKING:
    import socket

    from openai import OpenAI

    from tests.fakes.upstream import Act, Received
    from tests.harnesses.gateway import Connect, GatewayHarness
    from vectorgate.ledger.entry import LedgerEntry

MODEL = "gpt-5-mini"
INPUT, CACHED, OUTPUT, SEARCH = 250_000_000, 25_000_000, 2_000_000_000, 2_500_000
EVENTS = 14  # of one stream of the fake, without a search
RICH, POOR = "sk-rich", "sk-poor"
FAULTS = ("refused", "failed", "never arrived", "executed and lost", "cut", "cut", "cut", "cut")


def cost(counted: dict[str, Any]) -> int:
    """Return what a response costs, from what the provider counted."""
    usage = counted["usage"]
    cached = usage["input_tokens_details"]["cached_tokens"]
    total = (usage["input_tokens"] - cached) * INPUT + cached * CACHED + usage["output_tokens"] * OUTPUT
    return rounded_ratio(total, 1_000_000) + SEARCH * searches(counted)


def searches(counted: dict[str, Any]) -> int:
    return sum(item["type"] == "file_search_call" for item in counted["output"])


class Traffic:
    """Responses of two keys, every second one a stream, of which one in five meets a fault. `refused`: by budgets."""

    def __init__(self, harness: GatewayHarness, connect: Connect, store: str) -> None:
        self.clients = {key: connect(key) for key in (RICH, POOR)}
        self.refused = 0
        self._harness = harness
        self._store = store
        self._dice = random.Random(13)  # noqa: S311 - reproducible, not secret
        self._cuts = itertools.cycle(range(EVENTS))

    def run(self, responses: int) -> None:
        for number in range(responses):
            fault = self._dice.choice(FAULTS) if self._dice.random() < 0.2 else None
            self._meet(fault)
            try:
                self._send(
                    self.clients[POOR if number % 5 == 0 else RICH], number, stream=fault == "cut" or bool(number % 2)
                )
            except openai.RateLimitError as error:
                self.refused += error.code == "insufficient_quota"
            except openai.APIError:
                assert fault is not None

    def _meet(self, fault: str | None) -> None:
        self._harness.openai.model.cut_after = next(self._cuts) if fault == "cut" else None
        acts: dict[str | None, Act] = {
            "refused": refusal(429),
            "failed": refusal(500),
            "never arrived": hang_up,
            "executed and lost": self._executed_and_lost,
        }
        self._harness.upstream.will(*([acts[fault]] if fault in acts else []))

    def _executed_and_lost(self, connection: socket.socket, received: Received) -> bool:
        assert self._harness.openai.model.act_for(received) is not None
        return hang_up(connection, received)

    def _send(self, client: OpenAI, number: int, *, stream: bool) -> None:
        tools: list[Any] = [{"type": "file_search", "vector_store_ids": [self._store]}] if number % 3 == 0 else []
        text = "When will it rain, and where? " * (number % 7 + 1)
        asked: dict[str, Any] = {"model": MODEL, "input": text, "tools": tools, "max_output_tokens": 512}
        if not stream:
            client.responses.create(**asked)
            return
        for _ in client.responses.create(**asked, stream=True):
            pass


def settled_rows(harness: GatewayHarness) -> list[LedgerEntry]:
    """Find out all that is open, settle it, and return the rows of responses that were charged."""
    harness.openai.model.cut_after = None
    harness.time.skip(2_000)
    reconciler = build_meter(harness.settings, harness.deps).reconciler
    for _ in range(3):
        reconciler.sweep()
        harness.time.skip(61)
    while harness.settle():
        pass
    rows = [row for row in harness.rows() if row.operation == "responses.create"]
    assert {row.state for row in rows} <= {State.SETTLED, State.VOIDED}
    return [row for row in rows if row.state is State.SETTLED]


@pytest.mark.parametrize("responses", [70, pytest.param(1_000, marks=pytest.mark.exhaustive)])
def test_responses_under_faults_are_recorded_as_the_provider_counted_them(
    harness: GatewayHarness, connect: Connect, responses: int
) -> None:
    limits = {RICH: NanoUSD(10**12), POOR: NanoUSD(responses * 200_000)}
    for key, limit in limits.items():
        harness.key(key, team="red", models=("*",), max_budget=limit)
    traffic = Traffic(harness, connect, connect(RICH).vector_stores.create(name="weather").id)
    traffic.run(responses)
    rows, counted = settled_rows(harness), harness.openai.model.counted

    known = {row.response_id: row for row in rows if row.response_id is not None}
    lost = [response for response in counted if response["id"] not in known]
    for response in counted:
        if response["id"] in known:
            row, usage = known[response["id"]], response["usage"]
            assert (row.input_tokens, row.output_tokens) == (usage["input_tokens"], usage["output_tokens"])
            assert (row.cached_tokens or 0) == usage["input_tokens_details"]["cached_tokens"]
            assert row.tool_calls == (("file_search=1",) if searches(response) else ())
            assert (row.spend, row.quarantined) == (cost(response), ())
    # Of an answer that was lost before its first event nothing is known: charged at its ceiling, and marked.
    marked = [row for row in rows if row.response_id is None]
    assert len(lost) <= len(marked) < responses / 10
    assert {(row.found_by, row.quarantined) for row in marked} == {(Resolution.CEILING, ("usage",))}
    assert min(row.output_tokens or 0 for row in marked) == 512
    assert sum(row.spend or 0 for row in rows) >= sum(map(cost, counted))
    for key, limit in limits.items():
        spent = sum(row.spend or 0 for row in rows if row.key_id == key_id_of(key))
        account = Account(Subject(BudgetScope.KEY, key_id_of(key)), LIFETIME)
        assert harness.stores.budgets.balances([account])[account] == Balance(reserved=NanoUSD(0), spent=NanoUSD(spent))
        assert spent <= limit
    assert traffic.refused
