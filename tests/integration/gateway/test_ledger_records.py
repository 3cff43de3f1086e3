"""One row for each request, its charge, and what happens when it cannot be written."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.fakes.upstream import refusal
from tests.harnesses.gateway import GatewayHarness, GatewayServer
from vectorgate.api.http import Body, Request
from vectorgate.auth.authenticate import key_id_of
from vectorgate.bootstrap import price_book
from vectorgate.ledger.entry import State
from vectorgate.ledger.rollups import Scope
from vectorgate.store_errors import StateConflict, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from tests.harnesses.gateway import Connect
    from vectorgate.persistence.stores import Stores

KEY = "sk-ledger-client"
JSON = {"content-type": "application/json", "authorization": f"Bearer {KEY}"}


def ask(harness: GatewayHarness, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] = JSON) -> int:
    return harness.gateway.handle(Request(method=method, path=path, headers=headers, body=Body.of(body))).status


REQUESTS: dict[str, tuple[int, State, str, Callable[[GatewayHarness], int]]] = {
    "a success": (
        200,
        State.SETTLED,
        "vector_stores.create",
        lambda harness: ask(harness, "POST", "/v1/vector_stores"),
    ),
    "a read": (200, State.SETTLED, "files.list", lambda harness: ask(harness, "GET", "/v1/files")),
    "no key": (401, State.VOIDED, "unknown", lambda harness: ask(harness, "GET", "/v1/files", headers={})),
    "an unknown route": (404, State.VOIDED, "unknown", lambda harness: ask(harness, "GET", "/v1/nowhere")),
    "a wrong method": (405, State.VOIDED, "unknown", lambda harness: ask(harness, "PATCH", "/v1/files")),
    "a bad body": (
        400,
        State.VOIDED,
        "vector_stores.create",
        lambda harness: ask(harness, "POST", "/v1/vector_stores", b"{"),
    ),
    "a large body": (
        413,
        State.VOIDED,
        "vector_stores.create",
        lambda harness: ask(harness, "POST", "/v1/vector_stores", b" " * 300_000),
    ),
    "an unowned id": (404, State.VOIDED, "files.retrieve", lambda harness: ask(harness, "GET", "/v1/files/file-1")),
}


@pytest.mark.parametrize("name", list(REQUESTS))
def test_every_request_leaves_one_row_that_names_its_price(harness: GatewayHarness, name: str) -> None:
    status, state, operation, act = REQUESTS[name]
    harness.key(KEY)
    assert act(harness) == status
    harness.settle()
    entry = harness.row()
    assert (entry.state, entry.status_code, entry.operation) == (state, status, operation)
    assert entry.spend == 0
    assert entry.price_id == ("openai.calls.2025-03-11" if status == 200 else "vectorgate.not-executed")
    assert entry.key_id == (None if status == 401 else key_id_of(KEY))


@pytest.mark.parametrize(("status", "state"), [(429, State.VOIDED), (400, State.VOIDED), (500, State.UNCERTAIN)])
def test_what_the_provider_refused_leaves_one_row_too(harness: GatewayHarness, status: int, state: State) -> None:
    harness.key(KEY)
    harness.upstream.always(refusal(status, "some_code"))
    ask(harness, "POST", "/v1/vector_stores")
    entry = harness.row()
    assert (entry.state, entry.error_code) == (state, "some_code")
    assert entry.price_id == ("vectorgate.not-executed" if state is State.VOIDED else None)


def test_create_retrieve_and_update_of_one_store_are_three_records(harness: GatewayHarness, connect: Connect) -> None:
    client = connect(harness.key(KEY))
    store = client.vector_stores.create(name="x").id
    client.vector_stores.retrieve(store)
    client.vector_stores.update(store, name="y")
    harness.settle()
    assert Counter(entry.vector_store_id for entry in harness.rows()) == {store: 3}
    assert {entry.state for entry in harness.rows()} == {State.SETTLED}


def test_the_client_receives_the_rows_id(harness: GatewayHarness, connect: Connect) -> None:
    answer = connect(harness.key(KEY)).vector_stores.with_raw_response.create(name="x")
    assert answer.headers["x-litellm-call-id"] == harness.row().id
    assert answer.headers["x-litellm-response-cost"] == "0"
    assert answer.headers["x-request-id"] == harness.row().upstream_request_id == "req_upstream"


def test_the_row_has_key_team_user_end_user_and_tags(harness: GatewayHarness, connect: Connect) -> None:
    client = connect(harness.key(KEY, team="red", alias="my key", user_id="u-7"))
    headers = {"x-litellm-end-user-id": "ann", "x-litellm-customer-id": "bob", "x-litellm-tags": "a, b,a"}
    client.vector_stores.create(name="x", extra_headers=headers, extra_body={"user": "eve", "tags": ["c"]})
    entry = harness.row()
    assert (entry.team_id, entry.key_alias, entry.user_id, entry.tenant) == ("red", "my key", "u-7", "team:red")
    assert (entry.end_user, entry.tags) == ("ann", ("a", "b", "c"))
    assert set(harness.upstream.received[0].document) == {"name", "metadata"}  # the gateway's own tag


@pytest.mark.parametrize(
    ("headers", "end_user"), [({"x-litellm-customer-id": "bob"}, "bob"), ({}, "eve")], ids=["header", "body"]
)
def test_the_end_user_comes_from_the_next_best_place(
    harness: GatewayHarness, connect: Connect, headers: dict[str, str], end_user: str
) -> None:
    connect(harness.key(KEY)).vector_stores.create(extra_headers=headers, extra_body={"user": "eve"})
    assert harness.row().end_user == end_user


def test_rows_of_unauthenticated_callers_are_rate_limited(harness: GatewayHarness) -> None:
    for _ in range(150):
        assert ask(harness, "GET", "/v1/files", headers={"authorization": "Bearer sk-wrong"}) == 401
    assert 100 <= len(harness.rows()) <= 110
    assert len(harness.telemetry.requests) == len(harness.rows())  # nor have the others a log line


class Broken:
    """A store with one method that fails."""

    def __init__(self, store: Any, method: str, error: Exception) -> None:
        self._store, self._method, self._error = store, method, error

    def __getattr__(self, name: str) -> Any:
        if name != self._method:
            return getattr(self._store, name)

        def fail(*_: object, **__: object) -> None:
            raise self._error

        return fail


@pytest.fixture
def broken(gateway_server: GatewayServer) -> Iterator[Callable[..., GatewayHarness]]:
    """A function that makes a harness whose ledger has one method that fails."""
    harnesses: list[GatewayHarness] = []

    def make(method: str, error: Exception) -> GatewayHarness:
        def around(stores: Stores) -> Stores:
            return replace(stores, ledger=Broken(stores.ledger, method, error))

        harnesses.append(GatewayHarness(around=around))
        gateway_server.harness = harnesses[-1]
        return harnesses[-1]

    yield make
    for harness in harnesses:
        harness.close()


def test_a_create_that_cannot_be_recorded_beforehand_reaches_no_provider(
    broken: Callable[..., GatewayHarness], connect: Connect
) -> None:
    harness = broken("begin", StoreUnavailable("unavailable"))
    with pytest.raises(openai.InternalServerError) as caught:
        connect(harness.key(KEY)).vector_stores.create(name="x")
    assert (caught.value.status_code, caught.value.code) == (503, "ledger_unavailable")
    assert (harness.upstream.calls, harness.rows()) == (0, [])


def test_a_create_whose_answer_names_another_tenants_object_is_not_passed_on(
    broken: Callable[..., GatewayHarness], connect: Connect
) -> None:
    harness = broken("advance", StateConflict("another owner"))
    with pytest.raises(openai.InternalServerError) as caught:
        connect(harness.key(KEY)).vector_stores.create(name="x")
    assert (caught.value.status_code, caught.value.code) == (502, "id_not_new")
    assert harness.row().state is State.STARTED


def test_a_create_that_cannot_be_concluded_is_answered_and_its_row_stays_started(
    broken: Callable[..., GatewayHarness], connect: Connect
) -> None:
    error = StoreUnavailable("unavailable")
    harness = broken("advance", error)
    assert connect(harness.key(KEY)).vector_stores.create(name="x").id == "vs_0"
    assert harness.row().state is State.STARTED
    assert harness.telemetry.errors == [error]


def test_a_read_that_cannot_be_recorded_is_not_answered(
    broken: Callable[..., GatewayHarness], connect: Connect
) -> None:
    harness = broken("begin", StoreUnavailable("unavailable"))
    with pytest.raises(openai.InternalServerError) as caught:
        connect(harness.key(KEY)).files.list()
    assert (caught.value.status_code, harness.rows()) == (503, [])


def test_a_refusal_whose_row_cannot_be_written_is_a_refusal_all_the_same(
    broken: Callable[..., GatewayHarness], connect: Connect
) -> None:
    harness = broken("begin", StoreUnavailable("unavailable"))
    with pytest.raises(openai.NotFoundError):
        connect(harness.key(KEY)).vector_stores.retrieve("vs_none")
    assert len(harness.telemetry.errors) == 1


def test_every_operation_that_can_be_answered_has_a_price() -> None:
    from vectorgate.api.operations import OPERATIONS  # noqa: PLC0415 - the table is what this test enumerates

    for provider in ("openai", "azure"):
        for operation in OPERATIONS:
            assert price_book().price(provider, operation.name, 1_772_600_767_000).id


def test_rollups_of_a_served_day_are_the_sums_of_its_rows(harness: GatewayHarness, connect: Connect) -> None:
    client = connect(harness.key(KEY, team="red"))
    for number in range(7):
        client.vector_stores.create(name=str(number), extra_body={"user": f"user-{number % 2}"})
    harness.settle()
    for scope, name in ((Scope.TENANT, "team:red"), (Scope.END_USER, "user-0"), (Scope.KEY, key_id_of(KEY))):
        rows = [entry for entry in harness.rows() if scope is not Scope.END_USER or entry.end_user == name]
        (rollup,) = harness.stores.reports.rollups(scope, name, "2026-03")
        assert (rollup.calls, rollup.failures, rollup.spend) == (len(rows), 0, 0)


def test_a_refused_body_is_recorded_with_end_user_and_tags(harness: GatewayHarness, connect: Connect) -> None:
    client = connect(harness.key(KEY))
    headers = {"x-litellm-end-user-id": "ada", "x-litellm-tags": "blue, green"}
    with pytest.raises(openai.BadRequestError):
        client.vector_stores.create(extra_body={"unheard_of": 1}, extra_headers=headers)
    assert (harness.row().end_user, harness.row().tags, harness.row().status_code) == ("ada", ("blue", "green"), 400)
