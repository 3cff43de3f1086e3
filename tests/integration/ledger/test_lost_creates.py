"""Creates whose first answers were lost, within the request: found, or sent again, and never two stores in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.fakes.upstream import answer, hang_up, refusal, reset
from tests.integration.ledger.conftest import FULL, KEY, fails
from vectorgate.ledger.entry import Resolution, State
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from socket import socket

    from tests.fakes.upstream import Act, Received
    from tests.harnesses.gateway import Connect
    from tests.integration.ledger.conftest import ReconcilerHarness
    from vectorgate.ledger.entry import LedgerEntry

LOST: dict[str, Act] = {
    **{str(status): refusal(status) for status in (408, 409, 500, 502, 503, 504, 529)},
    "reset": reset,
    "closed": hang_up,
}
NOT_REPEATED = {"404 without a body": answer(302, b""), "teapot": refusal(418), "broken": answer(200, b"{")}


def methods(system: ReconcilerHarness) -> list[str]:
    """Of the requests that the provider received."""
    return [received.method for received in system.harness.upstream.received]


def rows(system: ReconcilerHarness) -> tuple[LedgerEntry, list[LedgerEntry]]:
    """Of the only create, and of its attempts that were sent again."""
    (call,) = (row for row in system.harness.rows() if row.attempt_of is None)
    return call, [row for row in system.harness.rows() if row.attempt_of is not None]


@pytest.mark.parametrize("name", LOST)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_a_create_that_was_not_executed_is_sent_again(
    system: ReconcilerHarness, connect: Connect, name: str, times: int
) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(*[act for _ in range(times) for act in (LOST[name], system.openai.act)])
    store = client.vector_stores.create(name="x", metadata={"a": "b"})
    assert methods(system) == ["POST", "GET"] * times + ["POST"]
    assert list(system.openai.stores) == [store.id]
    assert (store.metadata, system.harness.time.elapsed() < 4) == ({"a": "b"}, True)
    call, notes = rows(system)
    assert (call.state, call.status_code, call.vector_store_id) == (State.ANSWERED, 200, store.id)
    assert [note.attempt_of for note in notes] == [call.id] * times
    system.sweep()
    system.sweep()
    assert {(row.state, row.spend) for row in rows(system)[1]} == {(State.VOIDED, 0)}
    assert [listed.id for listed in client.vector_stores.list()] == [store.id]


@pytest.mark.parametrize("act", ["unseen", "unseen_500"])
def test_a_create_that_was_executed_is_found(system: ReconcilerHarness, connect: Connect, act: str) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(getattr(system.openai, act))
    store = client.vector_stores.create(name="x", metadata={"a": "b"})
    assert methods(system) == ["POST", "GET"]
    assert (list(system.openai.stores), store.metadata) == ([store.id], {"a": "b"})
    assert (system.harness.row().state, system.harness.row().status_code) == (State.ANSWERED, 200)
    assert client.vector_stores.retrieve(store.id).id == store.id


@pytest.mark.parametrize("name", NOT_REPEATED)
def test_what_the_official_clients_do_not_send_again_is_looked_for_and_not_sent_again(
    system: ReconcilerHarness, connect: Connect, name: str
) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(NOT_REPEATED[name])
    assert fails(lambda: client.vector_stores.create(name="x")) == 502
    assert (methods(system), system.harness.row().state) == (["POST", "GET"], State.UNCERTAIN)


def test_a_create_without_a_tag_is_left_to_the_sweep(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(hang_up)
    assert fails(lambda: client.vector_stores.create(name="x", metadata=FULL)) == 502
    assert methods(system) == ["POST"]


def test_the_provider_is_asked_when_it_says(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(refusal(503, None, {"retry-after": "7"}))
    client.vector_stores.create(name="x")
    assert system.harness.time.slept == [7.0]


def test_a_create_is_sent_four_times_at_most(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(*[refusal(500), system.openai.act] * 4)
    with pytest.raises(openai.InternalServerError) as caught:
        client.vector_stores.create(name="x")
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert methods(system) == ["POST", "GET"] * 4
    assert rows(system)[0].state is State.UNCERTAIN


def executed_late() -> tuple[Act, list[Received]]:
    """An attempt whose connection breaks, and the requests of which a test has some executed later."""
    kept: list[Received] = []

    def act(connection: socket, received: Received) -> bool:
        kept.append(received)
        return hang_up(connection, received)

    return act, kept


class Nowhere:
    """A connection that is lost."""

    def sendall(self, content: bytes) -> None:
        """Discard."""


@pytest.mark.parametrize("seconds", [0, 1, 50])
def test_what_an_attempt_makes_after_it_was_sent_again_is_removed(
    system: ReconcilerHarness, connect: Connect, seconds: int
) -> None:
    client = connect(system.harness.key(KEY))
    lost, kept = executed_late()
    system.harness.upstream.will(lost)
    store = client.vector_stores.create(name="x")
    system.harness.time.skip(seconds)
    system.openai.act(Nowhere(), kept[0])  # type: ignore[arg-type]
    assert len(system.openai.stores) == 2
    assert system.sweep() == {"removed": 1}
    assert list(system.openai.stores) == [store.id]
    assert system.sweep() == {"voided": 1}
    assert [note.found_by for note in rows(system)[1]] == [Resolution.DUPLICATE]
    assert [listed.id for listed in client.vector_stores.list()] == [store.id]


def test_of_two_objects_whose_answers_were_lost_one_is_kept_and_one_removed(
    system: ReconcilerHarness, connect: Connect
) -> None:
    client, headers = connect(system.harness.key(KEY)), {"Idempotency-Key": "k"}
    lost, kept = executed_late()
    system.harness.upstream.will(lost, system.openai.act, refusal(418))
    fails(lambda: client.vector_stores.create(name="x", extra_headers=headers))
    for received in [*kept, *kept]:
        system.openai.act(Nowhere(), received)  # type: ignore[arg-type]
    assert system.sweep() == {"adopted": 1, "removed": 1}
    store = client.vector_stores.create(name="x", extra_headers=headers)
    assert list(system.openai.stores) == [store.id]


def test_what_two_attempts_made_is_answered_only_if_the_ledger_says_which_counts(
    system: ReconcilerHarness, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: Any, **__: Any) -> None:
        raise StoreUnavailable

    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(hang_up)
    with monkeypatch.context() as patch:
        patch.setattr(type(system.harness.stores.ledger), "advance", unavailable)
        with pytest.raises(openai.InternalServerError) as caught:
            client.vector_stores.create(name="x")
    assert caught.value.code == "answer_not_recorded"
    assert system.sweep() == {"adopted": 1, "looked": 1}
    assert len(system.openai.stores) == len(client.vector_stores.list().data) == 1


def test_without_a_note_in_the_ledger_nothing_is_sent_again(
    system: ReconcilerHarness, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, ledger = connect(system.harness.key(KEY)), system.harness.stores.ledger
    begin = ledger.begin

    def begun(entry: Any, **more: Any) -> None:
        if entry.attempt_of is not None:
            raise StoreUnavailable
        begin(entry, **more)

    monkeypatch.setattr(type(ledger), "begin", lambda _, entry, **more: begun(entry, **more))
    system.harness.upstream.will(hang_up)
    assert fails(lambda: client.vector_stores.create(name="x")) == 502
    assert methods(system) == ["POST", "GET"]
