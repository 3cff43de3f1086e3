"""The official client as it comes, with one fault in five calls, on both sides of the gateway."""

from __future__ import annotations

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
    """Between the client and the gateway: one answer in five is lost, after the gateway gave it."""

    def __init__(self, dice: random.Random) -> None:
        super().__init__()
        self._dice = dice

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if self._dice.random() < 0.2:
            response.read()
            response.close()
            raise httpx.ReadError("lost", request=request)
        return response


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("alike", [False, True], ids=["names of their own", "one name"])
def test_there_is_at_most_one_live_store_for_each_create(
    system: ReconcilerHarness,
    door: GatewayServer,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
    alike: bool,  # noqa: FBT001  # a parameter of the test
) -> None:
    dice = random.Random(seed)  # noqa: S311  # a test's own
    system.harness.gateway = replace(system.harness.gateway, deadline_seconds=DEADLINE_S)
    # Its waits only; when it retries, and with what, stays its own.
    monkeypatch.setattr(openai.OpenAI, "_calculate_retry_timeout", lambda *_: 0.01)
    system.harness.upstream.always(Faults(system, dice).act)
    key = system.harness.key(KEY)

    def create(number: int) -> str | None:
        try:
            return client.vector_stores.create(name="x" if alike else f"store {number}").id
        except openai.APIError:
            return None

    wire: Any
    with (
        httpx.Client(transport=Forgetful(dice)) as wire,
        openai.OpenAI(base_url=f"{door.url}/v1", api_key=key, http_client=wire) as client,
        ThreadPoolExecutor(1 if alike else AT_ONCE) as pool,
    ):
        made = list(pool.map(create, range(CREATES)))
    system.harness.upstream.always(system.openai.act)
    system.sweep()
    system.sweep()

    rows = system.harness.rows()
    assert not {row.state for row in rows} & {State.STARTED, State.UNCERTAIN}
    live = system.openai.stores
    assert len(live) <= CREATES
    if not alike:
        assert max(Counter(store["name"] for store in live.values()).values()) == 1
    delivered = [store for store in made if store is not None]
    assert set(delivered) <= set(live)
    if not alike:
        assert len(set(delivered)) == len(delivered)
    owned = [str(row.vector_store_id) for row in rows if row.state is State.ANSWERED]
    assert sorted(owned) == sorted(live)  # every store has an owner, and is charged once
    assert len(delivered) > CREATES * 0.6
