"""What is found out at the first sweep, right after the call, and with clocks that are ten minutes apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.openai import store_document
from tests.fakes.upstream import hang_up
from tests.integration.ledger.conftest import FULL, KEY, fails, lost, reconciler, resolved
from vectorgate.ledger.entry import Resolution, State

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect
    from tests.integration.ledger.conftest import ReconcilerHarness

pytestmark = pytest.mark.usefixtures("only_the_sweep_looks")
AHEAD = [-600, -16, 0, 16, 600]  # seconds that the provider's clock is ahead of ours
every_clock = pytest.mark.parametrize("ahead", AHEAD)
dated_or_not = pytest.mark.parametrize("dated", [True, False], ids=["dated answers", "undated"])


def set_clock(system: ReconcilerHarness, ahead: int, *, dated: bool) -> None:
    """Set the provider's clock."""
    wall = system.harness.time.wall
    system.openai.now = lambda: wall() + ahead
    system.openai.dated = dated


def others_make(system: ReconcilerHarness, number: int, *, seconds: int) -> None:
    """So many stores that are not ours, so long from now by the provider's clock."""
    moment = int(system.openai.now()) + seconds
    for place in range(number):
        system.openai.stores[f"vs_{moment}_{place}"] = store_document(f"vs_{moment}_{place}", created_at=moment)


@every_clock
@dated_or_not
def test_a_lost_create_is_found_by_its_tag_at_the_next_sweep_whatever_the_clocks_say(
    system: ReconcilerHarness, connect: Connect, ahead: int, *, dated: bool
) -> None:
    client, headers = connect(system.harness.key(KEY)), {"Idempotency-Key": "k"}
    set_clock(system, ahead, dated=dated)
    others_make(system, 250, seconds=-60)
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: client.vector_stores.create(name="x", extra_headers=headers))
    others_make(system, 150, seconds=1)
    assert reconciler(system.harness).sweep() == {"adopted": 1}
    assert resolved(system) == (State.ANSWERED, Resolution.TAG)
    again = client.vector_stores.create(name="x", extra_headers=headers)
    assert [store.id for store in client.vector_stores.list().data] == [again.id]
    assert [name for name, store in system.openai.stores.items() if store["name"] == "x"] == [again.id]


@every_clock
@dated_or_not
def test_a_create_that_was_not_executed_is_void_when_the_provider_can_no_longer_execute_it(
    system: ReconcilerHarness, connect: Connect, ahead: int, *, dated: bool
) -> None:
    client = connect(system.harness.key(KEY))
    set_clock(system, ahead, dated=dated)
    others_make(system, 250, seconds=-60)
    system.harness.upstream.will(hang_up)
    fails(lambda: client.vector_stores.create(name="x"))
    assert reconciler(system.harness).sweep() == {"looked": 1}
    system.harness.time.skip(89)
    assert reconciler(system.harness).sweep() == {"waiting": 1}
    system.harness.time.skip(1)
    assert reconciler(system.harness).sweep() == {"voided": 1}


@every_clock
def test_a_store_without_a_tag_is_found_by_the_clock_that_the_providers_answers_name(
    system: ReconcilerHarness, connect: Connect, ahead: int
) -> None:
    client = connect(system.harness.key(KEY))
    set_clock(system, ahead, dated=True)
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: client.vector_stores.create(name="x", metadata=FULL))
    assert [system.sweep() for _ in range(2)] == [{"waiting": 1}, {"weak": 1}]


def test_a_create_that_is_executed_late_is_found_after_it_was_missed(
    system: ReconcilerHarness, connect: Connect
) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: client.vector_stores.create(name="x"))
    late, system.openai.stores = system.openai.stores, {}
    assert reconciler(system.harness).sweep() == {"looked": 1}
    system.harness.time.skip(60)
    system.openai.stores = late
    assert reconciler(system.harness).sweep() == {"adopted": 1}


def test_a_delete_whose_answers_were_lost_is_found_out_at_the_next_sweep(
    system: ReconcilerHarness, connect: Connect
) -> None:
    client = connect(system.harness.key(KEY))
    name = client.vector_stores.create(name="x").id
    lost(system, lambda: client.vector_stores.delete(name), system.openai.unseen)
    assert reconciler(system.harness).sweep() == {"done": 1}
