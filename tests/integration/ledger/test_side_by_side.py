"""The official client as it comes, through the gateway and straight at a provider of whose calls one in five fails."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import openai

from tests.fakes.listing_provider import ListingOpenAI
from tests.fakes.upstream import FaultyUpstream, hang_up, refusal, reset

if TYPE_CHECKING:
    import socket

    import pytest

    from tests.fakes.upstream import Received
    from tests.harnesses.gateway import GatewayServer
    from tests.integration.ledger.conftest import ReconcilerHarness

KEY = "sk-side-by-side"
CREATES = 200
FAULTS = 0.2
SEED = 1


@dataclass
class Faulty:
    """Lists fail, too: a request that looks for what it made meets the same provider."""

    provider: ListingOpenAI
    dice: random.Random

    def act(self, connection: socket.socket, received: Received) -> bool:
        """Answer one request, or fail at it, before or after it was executed."""
        if self.dice.random() >= FAULTS:
            return self.provider.act(connection, received)
        unseen, unseen_500 = self.provider.unseen, self.provider.unseen_500
        faults = [refusal(500), refusal(503), refusal(429), reset, hang_up, unseen, unseen, unseen_500]
        return self.dice.choice(faults)(connection, received)


def created(base_url: str, key: str) -> list[str]:
    """The ids that a client with its own retries got for so many creates."""
    made = []
    with openai.OpenAI(base_url=base_url, api_key=key) as client:
        for number in range(CREATES):
            try:
                made.append(client.vector_stores.create(name=f"store {number}").id)
            except openai.APIError:
                continue
    return made


def twins(provider: ListingOpenAI) -> int:
    """The stores beyond one for each create."""
    return len(provider.stores) - len(Counter(store["name"] for store in provider.stores.values()))


def test_a_create_succeeds_through_the_gateway_as_often_as_straight_at_the_provider_and_makes_no_second_store(
    system: ReconcilerHarness, gateway_server: GatewayServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its waits only; when it retries, and with what, stays its own.
    monkeypatch.setattr(openai.OpenAI, "_calculate_retry_timeout", lambda *_: 0.001)
    system.harness.upstream.always(Faulty(system.openai, random.Random(SEED)).act)  # noqa: S311 - reproducible
    through = created(f"{gateway_server.url}/v1", system.harness.key(KEY))
    straight_at = ListingOpenAI(now=system.harness.time.wall)
    with FaultyUpstream(Faulty(straight_at, random.Random(SEED)).act) as upstream:  # noqa: S311
        straight = created(upstream.url, KEY)

    system.harness.upstream.always(system.openai.act)
    for _ in range(2):
        system.sweep()
    counts = f"through={len(through)} straight={len(straight)} of {CREATES}"
    figures = f"{counts}, second stores: through={twins(system.openai)} straight={twins(straight_at)}"
    print(figures)  # noqa: T201 - `pytest -s` shows the figures
    assert len(through) >= len(straight) > CREATES * 0.95, figures
    assert twins(system.openai) == 0 < twins(straight_at), figures
    assert set(through) <= set(system.openai.stores), figures
    assert len(set(through)) == len(through), figures
