"""The wall clock is set while a create is under way: the client sees nothing of it, and the row is settled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    import socket

    from tests.fakes.upstream import Received
    from tests.harnesses.gateway import Connect, GatewayHarness


@pytest.mark.parametrize("seconds", [-86_400.0, -1.0, 3_600.0, 86_400.0])
def test_a_clock_that_is_set_during_a_create_leaves_its_answer_and_its_row_as_they_are(
    harness: GatewayHarness, connect: Connect, seconds: float
) -> None:
    client = connect(harness.key("sk-one", team="red"))
    clock, off = harness.deps.clock, [0.0]
    harness.gateway = harness.build(clock=replace(clock, wall=lambda: clock.wall() + off[0]))

    def set_the_clock(connection: socket.socket, received: Received) -> bool:
        off[0] = seconds
        return harness.openai.act(connection, received)

    harness.upstream.will(set_the_clock)
    store = client.vector_stores.create(name="x")
    assert client.vector_stores.retrieve(store.id).name == "x"
    assert harness.settle() == 2
    rows = {row.operation: row for row in harness.rows() if row.vector_store_id == store.id}
    assert set(rows) == {"vector_stores.create", "vector_stores.retrieve"}
    assert {row.state for row in rows.values()} == {State.SETTLED}
    moved_ms = rows["vector_stores.retrieve"].started_ms - rows["vector_stores.create"].started_ms
    assert moved_ms / 1000 == pytest.approx(seconds, abs=5)
