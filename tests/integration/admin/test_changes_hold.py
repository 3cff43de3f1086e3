"""When a change of keys and limits holds: at once in the process that was told, within five seconds in every other."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.secrets import MASTER_KEY
from tests.fakes.clock import FakeClock
from tests.fakes.provider_documents import FakeDocuments
from tests.harnesses.admin import book_of, calls
from vectorgate.admin.app import AdminApp
from vectorgate.api.errors import Unauthenticated
from vectorgate.api.http import Body, Request
from vectorgate.auth.authenticate import Authenticator, KeyBlocked, key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.bootstrap import build_admin_deps, system_random
from vectorgate.budgets.limits import CachedLimits
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.providers.credentials import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from tests.harnesses.gateway import GatewayHarness
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ids import KeyId

SECRET = "sk-that-is-revoked"  # of a test
HOLDS_S = 5.0
PRICED = book_of(calls("ours", 7))
REVOCATIONS: list[tuple[str, dict[str, object]]] = [
    ("/key/update", {"key": SECRET, "blocked": True}),
    ("/key/delete", {"keys": [SECRET]}),
    ("/key/update", {"key": SECRET, "max_budget": 0}),
    ("/team/update", {"team_id": "red", "blocked": True}),
    ("/team/delete", {"team_ids": ["red"]}),
    ("/team/update", {"team_id": "red", "max_budget": 0}),
    ("/customer/new", {"user_id": "ann", "blocked": True}),
]


def change(harness: GatewayHarness, path: str, body: object, told: Gateway | None = None) -> None:
    """Have the admin app of some process change something; `told` is the gateway of the same process."""
    clock, reads = harness.deps.clock, FakeDocuments()
    deps = build_admin_deps(harness.settings, harness.stores, clock, system_random(), reads, told=told)
    app = AdminApp(master_key=Secret(MASTER_KEY), deps=deps, telemetry=harness.deps.telemetry)
    headers = {"authorization": f"Bearer {MASTER_KEY}", "content-type": "application/json"}
    request = Request(method="POST", path=path, headers=headers, body=Body.of(json.dumps(body).encode()))
    response = app.handle(request)
    assert response.status == 200, response.read_body()


def status(gateway: Gateway) -> int:
    """What the key gets for a call in the name of ann that costs something."""
    headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/json"}
    body = Body.of(json.dumps({"name": "x", "user": "ann"}).encode())
    return gateway.handle(Request(method="POST", path="/v1/vector_stores", headers=headers, body=body)).status


@pytest.fixture
def revocable(harness: GatewayHarness) -> GatewayHarness:
    """A gateway that has served the key a moment ago."""
    harness.stores.budgets.add_limit(Subject(BudgetScope.TEAM, "red"), Limit(since=0))
    harness.key(SECRET, team="red")
    harness.gateway = harness.build(book=PRICED)
    assert status(harness.gateway) == 200
    return harness


@pytest.mark.parametrize(("path", "body"), REVOCATIONS, ids=str)
def test_a_revocation_or_a_lowered_limit_holds_at_once_where_it_was_told(
    revocable: GatewayHarness, path: str, body: Mapping[str, object]
) -> None:
    change(revocable, path, body, told=revocable.gateway)
    assert status(revocable.gateway) in {401, 403, 429}


@pytest.mark.parametrize(("path", "body"), REVOCATIONS, ids=str)
def test_it_holds_within_five_seconds_in_every_other_process(
    revocable: GatewayHarness, path: str, body: Mapping[str, object]
) -> None:
    others = [revocable.build(book=PRICED) for _ in range(2)]
    assert [status(other) for other in others] == [200, 200]
    change(revocable, path, body)
    revocable.time.skip(HOLDS_S)
    assert all(status(other) in {401, 403, 429} for other in [*others, revocable.gateway])


def test_a_raised_limit_and_an_unblocked_key_hold_as_soon(revocable: GatewayHarness) -> None:
    change(revocable, "/key/update", {"key": SECRET, "blocked": True, "max_budget": 0}, told=revocable.gateway)
    assert status(revocable.gateway) == 403
    change(revocable, "/key/update", {"key": SECRET, "blocked": False}, told=revocable.gateway)
    assert status(revocable.gateway) == 429
    change(revocable, "/key/update", {"key": SECRET, "max_budget": None}, told=revocable.gateway)
    assert status(revocable.gateway) == 200


class CountedKeys:
    """KeyReader of one key, which counts its reads. `meanwhile` is called within each."""

    def __init__(self, row: VirtualKey | None) -> None:
        self.row = row
        self.reads = 0
        self.meanwhile: Callable[[], None] = lambda: None

    def key(self, _: KeyId) -> VirtualKey | None:
        self.reads += 1
        row = self.row
        self.meanwhile()
        return row


def test_a_key_costs_at_most_one_read_a_request_and_one_in_five_seconds() -> None:
    time, keys = FakeClock(), CountedKeys(VirtualKey(id=key_id_of(SECRET), created_at=0))
    authenticator = Authenticator(keys, time.clock())
    for _ in range(1_000):
        authenticator.authenticate(SECRET)
    assert keys.reads == 1
    for _ in range(10):
        time.skip(HOLDS_S)
        authenticator.authenticate(SECRET)
    assert keys.reads == 11


def test_limits_cost_at_most_one_read_a_request_and_one_in_five_seconds(harness: GatewayHarness) -> None:
    reads: list[Collection[Subject]] = []

    class Counted:
        def __init__(self) -> None:
            self.limits = lambda subjects: reads.append(subjects) or harness.stores.budgets.limits(subjects)  # type: ignore[func-returns-value]

    store: Any = Counted()
    limits, row = CachedLimits(store, harness.time.clock()), VirtualKey(id=key_id_of(SECRET), created_at=0, team_id="r")
    for _ in range(1_000):
        limits.limits_of(row, "ann")
    assert len(reads) == 1
    harness.time.skip(HOLDS_S)
    limits.limits_of(row, "ann")
    assert len(reads) == 2


def test_a_key_that_was_being_read_while_it_changed_is_read_again() -> None:
    """Otherwise the row of before would stay in the cache of the very process that was told."""
    time, keys = FakeClock(), CountedKeys(VirtualKey(id=key_id_of(SECRET), created_at=0))
    authenticator = Authenticator(keys, time.clock())

    def block() -> None:
        assert keys.row is not None
        keys.row = replace(keys.row, blocked=True)
        keys.meanwhile = lambda: None
        authenticator.forget()

    keys.meanwhile = block
    authenticator.authenticate(SECRET)  # it began before the change
    with pytest.raises(KeyBlocked):
        authenticator.authenticate(SECRET)


def test_a_key_that_is_made_works_at_once_where_it_was_told_although_it_was_missing_before() -> None:
    keys = CountedKeys(None)
    authenticator = Authenticator(keys, FakeClock().clock())
    with pytest.raises(Unauthenticated):
        authenticator.authenticate(SECRET)
    keys.row = VirtualKey(id=key_id_of(SECRET), created_at=0)
    authenticator.forget()
    assert authenticator.authenticate(SECRET).key == keys.row
