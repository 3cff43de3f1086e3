"""The gateway behind its socket, before a provider whose lists are true, and the sweep."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.integration.conftest import connect, door, gate, wire
from tests.fakes.listing_provider import TrueOpenAI
from tests.harnesses.gateway import CHANCE
from vectorgate.ledger.reconciliation import Reconciler
from vectorgate.providers.reader import Asker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.harnesses.gateway import Gate

__all__ = ["connect", "door", "gate", "town", "wire"]


@dataclass(frozen=True)
class Town:
    """`sweep` lets a minute pass and looks."""

    gate: Gate
    openai: TrueOpenAI
    sweep: Callable[[], Mapping[str, int]]


@pytest.fixture
def town(gate: Gate) -> Town:
    """A gate before a provider that can be listed."""
    openai = TrueOpenAI(now=gate.time.wall)
    gate.openai = openai
    gate.upstream.always(openai.act)

    def sweep() -> Mapping[str, int]:
        gate.time.skip(61)
        return reconciler(gate).sweep()

    return Town(gate, openai, sweep)


def until_ambiguous(town: Town) -> list[Mapping[str, int]]:
    """What the sweeps say until all rows that could be of the same object have met: the first is the earliest."""
    return [town.sweep() for _ in range(3)]


def until_told(town: Town) -> list[Mapping[str, int]]:
    """What they say until every row that could have made an object is old enough for it to be told by its looks."""
    return [town.sweep() for _ in range(2)]


def reconciler(gate: Gate) -> Reconciler:
    """Over a gate's parts."""
    clock = gate.time.clock()
    asker = Asker(
        providers=gate.gateway.providers,
        credentials=gate.gateway.credentials,
        transport=gate.transport,
        clock=clock,
        chance=CHANCE,
    )
    return Reconciler(
        ledger=gate.stores.ledger,
        ownership=gate.stores.ownership,
        asker=asker,
        clock=clock,
        telemetry=gate.notes,
    )
