"""The official client as it comes, with one fault in five calls, on both sides of the gateway."""

from __future__ import annotations

import json
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx
import openai
import pytest

from tests.fakes.upstream import hang, hang_up, refusal, reset
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    import socket

    from tests.fakes.upstream import Received
    from tests.harnesses.gateway import GatewayServer
    from tests.integration.ledger.conftest import ReconcilerHarness

KEY = "sk-unmodified-client"
CREATES = 100
AT_ONCE = 4
DEADLINE_S = 0.6


@dataclass
class Faults:
    """Upstream: one call in five fails, before or after it was done."""

    system: ReconcilerHarness
    dice: random.Random

    def act(self, connection: socket.socket, received: Received) -> bool:
        """Answer one request, or fail at it."""
        if received.method == "GET" or self.dice.random() >= 0.2:
            return self.system.openai.act(connection, received)
        openai = self.system.openai
        faults = [refusal(500), reset, hang, hang_up, openai.unseen, openai.unseen, openai.unseen_500, refusal(429)]
        return self.dice.choice(faults)(connection, received)


class Forgetful(httpx.HTTPTransport):
    """Between the client and the gateway: one answer in five is lost, after the gateway gave it.

    `lost`: how many successes, by the name of the store.
    """

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self._dice = dice
        self.lost: Counter[str] = Counter()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if self._dice.random() < 0.2:
            response.read()
            response.close()
            self.lost[json.loads(request.read())["name"]] += response.is_success
            raise httpx.ReadError("lost", request=request)
        return response


@pytest.mark.parametrize("keyed", [True, False], ids=["with idempotency keys", "without"])
@pytest.mark.parametrize("alike", [False, True], ids=["names of their own", "one name"])
def test_there_is_at_most_one_live_store_for_each_create_and_each_answer_that_was_lost_after_the_gateway(
    system: ReconcilerHarness,
    gateway_server: GatewayServer,
    monkeypatch: pytest.MonkeyPatch,
    alike: bool,  # noqa: FBT001  # a parameter of the test
    keyed: bool,  # noqa: FBT001
) -> None:
    dice = random.Random(1)  # noqa: S311  # a test's own
    system.harness.gateway = replace(system.harness.gateway, deadline_seconds=DEADLINE_S)
    # Its waits only; when it retries, and with what, stays its own.
    monkeypatch.setattr(openai.OpenAI, "_calculate_retry_timeout", lambda *_: 0.01)
    system.harness.upstream.always(Faults(system, dice).act)
    key = system.harness.key(KEY)

    def create(number: int) -> str | None:
        headers = {"Idempotency-Key": str(number)} if keyed else {}
        try:
            return client.vector_stores.create(name="x" if alike else f"store {number}", extra_headers=headers).id
        except openai.APIError:
            return None

    http_client: Any
    forgetful = Forgetful(dice)
    with (
        httpx.Client(transport=forgetful) as http_client,
        openai.OpenAI(base_url=f"{gateway_server.url}/v1", api_key=key, http_client=http_client) as client,
        ThreadPoolExecutor(1 if alike else AT_ONCE) as pool,
    ):
        made = list(pool.map(create, range(CREATES)))
    system.harness.upstream.always(system.openai.act)
    system.sweep()
    system.sweep()

    rows = system.harness.rows()
    assert not {row.state for row in rows} & {State.STARTED, State.UNCERTAIN}
    live = system.openai.stores
    lost = Counter[str]() if keyed else forgetful.lost  # a retry without a key does what it would do at the provider
    for name, made_of_it in Counter(store["name"] for store in live.values()).items():
        assert made_of_it <= (CREATES if alike else 1) + lost[name]
    delivered = [store for store in made if store is not None]
    assert set(delivered) <= set(live)
    assert len(set(delivered)) == len(delivered)
    owned = [str(row.vector_store_id) for row in rows if row.state is State.ANSWERED]
    assert sorted(owned) == sorted(live)  # every store has an owner, and is charged once
    assert len(delivered) > CREATES * 0.6
