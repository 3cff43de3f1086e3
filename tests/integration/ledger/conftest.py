"""The gateway behind its socket, before a provider whose lists are true, and the sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.fakes.listing_provider import ListingOpenAI
from tests.harnesses.gateway import CHANCE
from tests.integration.conftest import connect, door, wire
from vectorgate.ledger.reconciliation import Reconciler
from vectorgate.providers.reader import ProviderReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.harnesses.gateway import GatewayHarness

__all__ = ["connect", "door", "system", "wire"]


@dataclass(frozen=True)
class ReconcilerHarness:
    """`sweep` lets a minute pass, and then sweeps."""

    harness: GatewayHarness
    openai: ListingOpenAI
    sweep: Callable[[], Mapping[str, int]]


@pytest.fixture
def system(harness: GatewayHarness) -> ReconcilerHarness:
    """A gate before a provider that can be listed."""
    openai = ListingOpenAI(now=harness.time.wall)
    harness.openai = openai
    harness.upstream.always(openai.act)

    def sweep() -> Mapping[str, int]:
        harness.time.skip(61)
        return reconciler(harness).sweep()

    return ReconcilerHarness(harness, openai, sweep)


def until_ambiguous(system: ReconcilerHarness) -> list[Mapping[str, int]]:
    """The outcomes until every row that can have made the same object was looked for."""
    return [system.sweep() for _ in range(3)]


def until_assigned(system: ReconcilerHarness) -> list[Mapping[str, int]]:
    """The outcomes until every row that can have made an object is old enough for it to be assigned."""
    return [system.sweep() for _ in range(2)]


def reconciler(harness: GatewayHarness) -> Reconciler:
    """Over a gate's parts."""
    clock = harness.time.clock()
    reader = ProviderReader(
        providers=harness.gateway.providers,
        credentials=harness.gateway.credentials,
        transport=harness.transport,
        clock=clock,
        randomness=CHANCE,
    )
    return Reconciler(
        ledger=harness.stores.ledger,
        ownership=harness.stores.ownership,
        reader=reader,
        clock=clock,
        telemetry=harness.notes,
    )
