"""What a process left `started` when it ended: the next one on the same ledger looks for it, and does not wait."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import openai
import pytest

from tests.factories.ledger import T0, answered, begun
from tests.fakes.clock import FakeClock
from tests.fakes.faults import SimulatedCrash
from tests.helpers.memory_stores import memory_stores
from tests.integration.ledger.conftest import reconciler
from vectorgate.ledger.entry import State
from vectorgate.ledger.reconciliation.interrupted import PAGE, end_interrupted

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect
    from tests.integration.ledger.conftest import ReconcilerHarness


def test_rows_left_started_become_uncertain_and_their_requests_are_over() -> None:
    time, ledger = FakeClock(), memory_stores().ledger
    usual, long, foreseen = begun(1), begun(2, until_ms=T0 + 900_000_000), begun(3, started_ms=T0 + 3_600_000)
    over, done = begun(4).transition(State.UNCERTAIN, ended_ms=T0), answered(begun(5))
    for entry in (usual, long, foreseen, begun(4), begun(5)):
        ledger.begin(entry)
    for entry in (over, done):
        ledger.advance(entry, since=State.STARTED)
    now_ms = time.clock().unix_ms()
    assert end_interrupted(ledger, time.clock()) == 3
    assert end_interrupted(ledger, time.clock()) == 0
    rows = [ledger.entry(entry.id) for entry in (usual, long, foreseen)]
    assert [row and row.state for row in rows] == [State.UNCERTAIN] * 3
    assert [row and now_ms <= (row.ended_ms or 0) <= now_ms + 60_000 for row in rows] == [True] * 3
    assert [row and (row.until_ms == row.ended_ms) for row in rows] == [False, True, False]
    assert [ledger.entry(over.id), ledger.entry(done.id)] == [over, done]


def test_more_rows_than_a_page_are_all_found() -> None:
    ledger = memory_stores().ledger
    for number in range(PAGE + 5):
        ledger.begin(begun(number))
    assert end_interrupted(ledger, FakeClock().clock()) == PAGE + 5


def test_a_create_of_a_process_that_was_killed_is_found_long_before_it_could_have_timed_out(
    system: ReconcilerHarness, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness = system.harness
    harness.gateway = replace(harness.gateway, deadline_seconds=600.0)

    def killed(*_: object, **__: object) -> None:
        raise SimulatedCrash

    monkeypatch.setattr(type(harness.gateway.recorder), "commit", killed)
    with pytest.raises(openai.APIError):
        connect(harness.key("sk-one")).vector_stores.create(name="mine")
    assert harness.row().state is State.STARTED
    assert system.sweep() == {"waiting": 1}
    assert end_interrupted(harness.stores.ledger, harness.time.clock()) == 1
    assert reconciler(harness).sweep() == {"adopted": 1}
