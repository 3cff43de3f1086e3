"""The gateway behind its socket, before a provider whose lists are true, and the sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.fakes.listing_provider import TrueOpenAI
from tests.harnesses.gateway import RANDOMNESS
from vectorgate.ledger.reconciliation import Reconciler
from vectorgate.providers.reader import ProviderReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.harnesses.gateway import GatewayHarness


@dataclass(frozen=True)
class Town:
    """`sweep` lets a minute pass and looks."""

    harness: GatewayHarness
    openai: TrueOpenAI
    sweep: Callable[[], Mapping[str, int]]


@pytest.fixture
def town(harness: GatewayHarness) -> Town:
    """A gate before a provider that can be listed."""
    openai = TrueOpenAI(now=harness.time.wall)
    harness.openai = openai
    harness.upstream.always(openai.act)

    def sweep() -> Mapping[str, int]:
        harness.time.skip(61)
        return reconciler(harness).sweep()

    return Town(harness, openai, sweep)


def until_ambiguous(town: Town) -> list[Mapping[str, int]]:
    """What the sweeps say until all rows that could be of the same object have met: the first is the earliest."""
    return [town.sweep() for _ in range(3)]


def until_told(town: Town) -> list[Mapping[str, int]]:
    """What they say until every row that could have made an object is old enough for it to be told by its looks."""
    return [town.sweep() for _ in range(2)]


def reconciler(harness: GatewayHarness) -> Reconciler:
    """Over a gate's parts."""
    clock = harness.time.clock()
    reader = ProviderReader(
        providers=harness.gateway.providers,
        credentials=harness.gateway.credentials,
        transport=harness.transport,
        clock=clock,
        randomness=RANDOMNESS,
    )
    return Reconciler(
        ledger=harness.stores.ledger,
        ownership=harness.stores.ownership,
        reader=reader,
        clock=clock,
        telemetry=harness.telemetry,
    )
