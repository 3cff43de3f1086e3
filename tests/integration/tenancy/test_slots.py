"""The lists of one tenant make a bounded number of calls at a time, and take nothing from another tenant."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.threads import at_once
from tests.helpers.waiting import within
from vectorgate.api.http import JSON, Body, Request
from vectorgate.ids import TenantId
from vectorgate.tenancy.slots import MAX_CALLS, TenantSlots

if TYPE_CHECKING:
    import socket

    from tests.fakes.upstream import Received
    from tests.harnesses.gateway import GatewayHarness

RED, BLUE = TenantId("team:red"), TenantId("team:blue")
LISTS = 60


@dataclass
class HeldReads:
    """A provider that holds every read until it is told to go on, and counts those that it holds."""

    harness: GatewayHarness
    go_on: threading.Event = field(default_factory=threading.Event)
    held: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def act(self, connection: socket.socket, received: Received) -> bool:
        """Hold a read, and answer it."""
        if received.method == "GET":
            self._count(1)
            self.go_on.wait(30)
            self._count(-1)
        return self.harness.openai.act(connection, received)

    def _count(self, change: int) -> None:
        with self.lock:
            self.held += change
            self.most = max(self.most, self.held)


def ask(harness: GatewayHarness, method: str, key: str) -> int:
    """The status of a request on stores."""
    headers = {"authorization": f"Bearer {key}", "content-type": JSON}
    body = Body.of(b"{}" if method == "POST" else b"")
    return harness.gateway.handle(Request(method=method, path="/v1/vector_stores", headers=headers, body=body)).status


@pytest.mark.parametrize("stores", [2, 5])
def test_sixty_lists_at_once_hold_eight_calls_and_another_tenants_creates_pass(
    harness: GatewayHarness, stores: int
) -> None:
    """With two stores a list retrieves each; with five it reads the provider's list."""
    red, blue = harness.key("sk-red", team="red"), harness.key("sk-blue", team="blue")
    assert [ask(harness, "POST", red) for _ in range(stores)] == [200] * stores
    provider = HeldReads(harness)
    harness.upstream.always(provider.act)
    statuses: list[int] = []
    lists = threading.Thread(target=lambda: statuses.extend(at_once(LISTS, lambda _: ask(harness, "GET", red))))
    lists.start()
    within(30, lambda: provider.held == MAX_CALLS)
    assert [ask(harness, "POST", blue) for _ in range(20)] == [200] * 20
    assert provider.held == MAX_CALLS
    provider.go_on.set()
    lists.join(60)
    assert statuses == [200] * LISTS
    assert provider.most == MAX_CALLS


def test_another_tenants_list_has_slots_of_its_own() -> None:
    slots = TenantSlots(2)
    with (
        slots.taken(RED, 9, seconds=0) as red,
        slots.taken(RED, 1, seconds=0) as late,
        slots.taken(BLUE, 1, seconds=0) as blue,
    ):
        assert (red, late, blue) == (2, 0, 1)
    with slots.taken(RED, 1, seconds=0) as again:
        assert again == 1


def test_who_waits_gets_what_is_released() -> None:
    slots = TenantSlots(1)
    granted: list[int] = []

    def wait() -> None:
        with slots.taken(RED, 3, seconds=30) as got:
            granted.append(got)

    with slots.taken(RED, 1, seconds=0):
        waiting = threading.Thread(target=wait)
        waiting.start()
    waiting.join(30)
    assert granted == [1]


@given(st.lists(st.tuples(st.sampled_from([RED, BLUE]), st.integers(0, 9)), max_size=12), st.integers(1, 8))
def test_no_tenant_ever_holds_more_than_its_slots(wishes: list[tuple[TenantId, int]], most: int) -> None:
    slots, held = TenantSlots(most), dict.fromkeys((RED, BLUE), 0)
    open_blocks: list[Any] = []
    for tenant, wanted in wishes:
        block = slots.taken(tenant, wanted, seconds=0)
        granted = block.__enter__()
        assert granted == min(wanted, most - held[tenant])
        held[tenant] += granted
        open_blocks.append(block)
    for block in open_blocks:
        block.__exit__(None, None, None)
    with slots.taken(RED, most, seconds=0) as red, slots.taken(BLUE, most, seconds=0) as blue:
        assert (red, blue) == (most, most)
