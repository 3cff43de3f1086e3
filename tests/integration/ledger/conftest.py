"""The gateway behind its socket, before a provider whose lists are true, and the sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.fakes.listing_provider import ListingOpenAI
from vectorgate.ledger.reconciliation import Reconciler
from vectorgate.providers.reader import ProviderReader

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.harnesses.gateway import GatewayHarness
    from vectorgate.ledger.entry import State

KEY, OTHER = "sk-reconciled-one", "sk-reconciled-two"
FULL = {f"k{number}": "v" for number in range(16)}


@dataclass(frozen=True)
class ReconcilerHarness:
    """`sweep` lets a minute pass, and then sweeps."""

    harness: GatewayHarness
    openai: ListingOpenAI
    sweep: Callable[[], Mapping[str, int]]


@pytest.fixture
def system(harness: GatewayHarness) -> ReconcilerHarness:
    """A gateway in front of a provider whose lists are true, and its sweep."""
    provider = ListingOpenAI(now=harness.time.wall)
    harness.openai = provider
    harness.upstream.always(provider.act)

    def sweep() -> Mapping[str, int]:
        harness.time.skip(61)
        return reconciler(harness).sweep()

    return ReconcilerHarness(harness, provider, sweep)


def until_ambiguous(system: ReconcilerHarness) -> list[Mapping[str, int]]:
    """The outcomes until every row that can have made the same object was looked for."""
    return [system.sweep() for _ in range(3)]


def until_assigned(system: ReconcilerHarness) -> list[Mapping[str, int]]:
    """The outcomes until every row that can have made an object is old enough for it to be assigned."""
    return [system.sweep() for _ in range(2)]


def reconciler(harness: GatewayHarness) -> Reconciler:
    """The sweep of a gateway's open rows."""
    clock = harness.time.clock()
    reader = ProviderReader(
        providers=harness.gateway.providers,
        credentials=harness.gateway.credentials,
        transport=harness.transport,
        clock=clock,
        randomness=harness.deps.randomness,
    )
    return Reconciler(
        ledger=harness.stores.ledger,
        ownership=harness.stores.ownership,
        reader=reader,
        clock=clock,
        telemetry=harness.telemetry,
    )


def fails(ask: Callable[[], object]) -> int:
    """The status that it fails with."""
    with pytest.raises(openai.APIStatusError) as caught:
        ask()
    return caught.value.status_code


def resolved(system: ReconcilerHarness) -> tuple[State, str | None]:
    """How the last row ended."""
    entry = system.harness.rows()[-1]
    return entry.state, entry.found_by


def lost(system: ReconcilerHarness, ask: Callable[[], object], act: Any) -> int:
    """Ask for something that may be repeated, and lose all three answers."""
    system.harness.upstream.will(act, act, act)
    return fails(ask)
