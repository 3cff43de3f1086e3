"""Sweeps of an account in which more is made than a sweep can list: what is found out all the same, and what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes import listing_provider as provider
from tests.fakes.listing_provider import _page
from tests.fakes.openai import store_document
from tests.fakes.upstream import hang_up
from tests.integration.ledger.conftest import FULL, KEY, OTHER, fails, lost, resolved
from vectorgate.ledger.entry import Resolution, State
from vectorgate.ledger.reconciliation.sweep import PROVIDER_SECONDS
from vectorgate.providers.reader import CALL_SECONDS
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect
    from tests.integration.ledger.conftest import ReconcilerHarness

pytestmark = pytest.mark.usefixtures("only_the_sweep_looks")
PAGE_SECONDS = 3.0  # so long does a page take here: some five in a sweep, of one list or of two


@pytest.fixture
def slow(system: ReconcilerHarness) -> ReconcilerHarness:
    """A provider that takes its time to list."""
    system.openai.listing = lambda: system.harness.time.skip(PAGE_SECONDS)
    return system


def others_make(system: ReconcilerHarness, number: int, *, seconds: int = 0) -> None:
    """So many stores that are not ours, so long from now."""
    moment = int(system.harness.time.wall()) + seconds
    for place in range(number):
        name = f"vs_{moment}_{place}"
        system.openai.stores[name] = store_document(name, created_at=moment, name="x", metadata=FULL)


def states(system: ReconcilerHarness) -> list[State]:
    """Of the rows of creates, in their order."""
    return [row.state for row in system.harness.rows() if row.operation == "vector_stores.create"]


def test_in_a_truncated_list_a_tag_that_is_met_counts_and_nothing_else_does(
    slow: ReconcilerHarness, connect: Connect
) -> None:
    client = connect(slow.harness.key(KEY))
    slow.harness.upstream.will(hang_up)
    fails(lambda: client.vector_stores.create(name="never made"))
    others_make(slow, 1_000)
    slow.harness.upstream.will(hang_up)
    fails(lambda: client.vector_stores.create(name="x", metadata=FULL))  # like the others', of which the list is full
    slow.harness.time.skip(5)
    slow.harness.upstream.will(slow.openai.unseen)
    fails(lambda: client.vector_stores.create(name="made"))
    assert slow.sweep() == {"adopted": 1, "failed": 2}
    for _ in range(4):
        assert slow.sweep() == {"failed": 2}
    assert states(slow) == [State.UNCERTAIN, State.UNCERTAIN, State.ANSWERED]
    assert {row.first_absent_ms for row in slow.harness.rows()} == {None}


def test_what_is_below_all_that_was_made_since_is_found_from_a_store_that_is_older(
    slow: ReconcilerHarness, connect: Connect
) -> None:
    client = connect(slow.harness.key(KEY))
    others_make(slow, 300)
    client.vector_stores.create(name="the anchor")
    slow.harness.time.skip(60)
    slow.harness.upstream.will(slow.openai.unseen, hang_up)
    fails(lambda: client.vector_stores.create(name="made"))
    fails(lambda: client.vector_stores.create(name="never made"))
    others_make(slow, 1_000, seconds=200)
    slow.harness.time.skip(400)  # the provider was unavailable
    assert slow.sweep() == {"adopted": 1, "looked": 1}
    assert slow.sweep() == {"voided": 1}
    assert resolved(slow) == (State.VOIDED, Resolution.ABSENT)


def test_nothing_is_missing_from_a_time_that_was_not_read_to_its_end(slow: ReconcilerHarness, connect: Connect) -> None:
    client = connect(slow.harness.key(KEY))
    client.vector_stores.create(name="the anchor")
    slow.harness.time.skip(60)
    slow.harness.upstream.will(slow.openai.unseen, hang_up)
    fails(lambda: client.vector_stores.create(name="made"))
    fails(lambda: client.vector_stores.create(name="never made"))
    others_make(slow, 1_000, seconds=30)
    slow.harness.time.skip(400)
    assert slow.sweep() == {"adopted": 1, "failed": 1}
    assert slow.sweep() == {"failed": 1}


@pytest.mark.parametrize("restarts", [True, False], ids=["the list restarts", "the list is empty"])
def test_an_anchor_that_the_provider_does_not_know_proves_no_absence(
    slow: ReconcilerHarness, connect: Connect, monkeypatch: pytest.MonkeyPatch, *, restarts: bool
) -> None:
    def page(kept: dict[str, dict[str, Any]], query: dict[str, list[str]]) -> dict[str, Any]:
        if query["order"] == ["desc"]:
            return _page(kept, query)
        return _page(kept if restarts else {}, {**query, "after": []})

    client = connect(slow.harness.key(KEY))
    others_make(slow, 100, seconds=-1_000)
    client.vector_stores.create(name="the anchor")
    slow.harness.time.skip(60)
    slow.harness.upstream.will(hang_up)
    fails(lambda: client.vector_stores.create(name="never made"))
    others_make(slow, 1_000, seconds=200)
    slow.harness.time.skip(400)
    monkeypatch.setattr(provider, "_page", page)
    for _ in range(2):
        assert slow.sweep() == {"failed": 1}
    monkeypatch.undo()
    assert slow.sweep() == {"looked": 1}


def test_a_row_that_no_sweep_reaches_delays_no_younger_one(slow: ReconcilerHarness, connect: Connect) -> None:
    client = connect(slow.harness.key(KEY))
    slow.harness.upstream.will(hang_up)
    fails(lambda: client.vector_stores.create(name="never made, and nothing is older"))
    others_make(slow, 1_000, seconds=200)
    slow.harness.time.skip(86_400)
    slow.harness.upstream.will(hang_up, slow.openai.unseen)
    fails(lambda: client.vector_stores.create(name="never made"))
    fails(lambda: client.vector_stores.create(name="x", metadata=FULL))
    slow.harness.time.skip(120)
    others_make(slow, 200)
    assert slow.sweep() == {"failed": 1, "looked": 1, "weak": 1}
    assert slow.sweep() == {"failed": 1, "voided": 1}
    assert states(slow) == [State.UNCERTAIN, State.VOIDED, State.ANSWERED]


def test_what_is_met_from_either_end_of_a_list_is_one_object(slow: ReconcilerHarness, connect: Connect) -> None:
    client = connect(slow.harness.key(KEY))
    client.vector_stores.create(name="the anchor")
    slow.harness.time.skip(60)
    slow.harness.upstream.will(hang_up, slow.openai.unseen)
    fails(lambda: client.vector_stores.create(name="never made"))
    slow.harness.time.skip(10)
    others_make(slow, 60)
    slow.harness.time.skip(130)
    fails(lambda: client.vector_stores.create(name="x", metadata=FULL))
    slow.harness.time.skip(120)
    others_make(slow, 270)
    assert slow.sweep() == {"looked": 1, "weak": 1}


def test_what_a_slow_list_showed_is_written_and_every_group_has_its_turn(
    system: ReconcilerHarness, connect: Connect
) -> None:
    system.openai.listing = lambda: system.harness.time.skip(0.9 * CALL_SECONDS)
    client = connect(system.harness.key(KEY))
    files = [client.files.create(file=("a.md", b"a"), purpose="assistants").id for _ in range(2)]
    system.harness.upstream.will(system.openai.unseen, system.openai.unseen)
    fails(lambda: client.vector_stores.create(name="made"))
    fails(lambda: client.files.create(file=("b.md", b"b"), purpose="assistants"))
    for file in files:
        system.openai.files.pop(file)
        lost(system, lambda file=file: client.files.delete(file), hang_up)  # type: ignore[misc]
    system.harness.time.skip(120)
    assert system.sweep() == {"adopted": 1, "weak": 1, "done": 2}


def test_a_table_that_refuses_to_name_an_older_store_stops_no_sweep(
    slow: ReconcilerHarness, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise StoreUnavailable("throttled")

    client = connect(slow.harness.key(KEY))
    slow.harness.upstream.will(hang_up, slow.openai.unseen)
    fails(lambda: client.vector_stores.create(name="never made"))
    others_make(slow, 1_000)
    slow.harness.time.skip(5)
    fails(lambda: client.vector_stores.create(name="made"))
    monkeypatch.setattr(slow.harness.stores.ledger, "search", refuse)
    assert slow.sweep() == {"failed": 1, "adopted": 1}


def test_a_list_that_takes_all_its_time_leaves_the_other_groups_theirs(
    slow: ReconcilerHarness, connect: Connect
) -> None:
    one, other = connect(slow.harness.key(KEY)), connect(slow.harness.key(OTHER))
    file = other.files.create(file=("a.md", b"a"), purpose="assistants").id
    slow.harness.upstream.will(hang_up)
    fails(lambda: one.vector_stores.create(name="never made"))
    others_make(slow, 3_000)
    slow.openai.files.pop(file)
    lost(slow, lambda: other.files.delete(file), hang_up)
    slow.harness.upstream.will(slow.openai.unseen)
    fails(lambda: other.files.create(file=("b.md", b"b"), purpose="assistants"))
    slow.harness.time.skip(61)
    began = slow.harness.time.elapsed()
    assert slow.sweep() == {"failed": 1, "weak": 1, "done": 1}
    assert slow.harness.time.elapsed() - began < 61 + PROVIDER_SECONDS + PAGE_SECONDS
