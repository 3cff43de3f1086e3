"""What the sweep finds out of lost deletions and attachments, and what it leaves open."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.ledger import begun
from tests.fakes.openai import store_document
from tests.fakes.upstream import answer, hang_up, refusal
from tests.integration.ledger.conftest import KEY, fails, lost, resolved
from vectorgate.api.errors import UpstreamFailed
from vectorgate.api.operations import BY_NAME
from vectorgate.api.safety import Safety
from vectorgate.gateway.pipeline import Gateway
from vectorgate.ids import ObjectKind, ProviderName
from vectorgate.ledger.entry import Resolution, State
from vectorgate.ledger.reconciliation.probes import PROBES
from vectorgate.ledger.reconciliation.sweep import PAGE, PROVIDER_SECONDS
from vectorgate.providers.client import ProviderClient

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect
    from tests.integration.ledger.conftest import ReconcilerHarness
    from vectorgate.providers.base import Answer, Call


pytestmark = pytest.mark.usefixtures("only_the_sweep_looks")


def test_the_list_is_read_to_the_oldest_open_row_and_no_further(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    moment = int(system.harness.time.wall())
    for number in range(250):
        name = f"vs_before_{number}"
        system.openai.stores[name] = store_document(name, created_at=moment - 10_000)
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: client.vector_stores.create(name="x"))
    for number in range(150):
        name = f"vs_after_{number}"
        system.openai.stores[name] = store_document(name, created_at=moment + 50)
    assert system.sweep() == {"adopted": 1}
    assert system.openai.listings == 2


@pytest.mark.parametrize("act", [refusal(500), hang_up, refusal(401), refusal(403)], ids=["500", "lost", "401", "403"])
def test_a_provider_that_cannot_be_listed_keeps_its_rows_open(
    system: ReconcilerHarness, connect: Connect, act: Any
) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: client.vector_stores.create(name="x"))
    system.harness.upstream.always(act)
    for _ in range(3):
        assert system.sweep() == {"failed": 1}
    system.harness.upstream.always(system.openai.act)
    assert system.sweep() == {"adopted": 1}


def test_a_row_that_is_under_way_is_left_alone(
    system: ReconcilerHarness, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(system.harness.key(KEY))
    with monkeypatch.context() as patch:
        patch.setattr(Gateway, "_forward", lambda *_: 1 / 0)
        fails(lambda: client.vector_stores.create(name="x"))
    system.harness.time.skip(-2)
    assert system.sweep() == {}
    assert system.sweep() == {"looked": 1}


@pytest.mark.parametrize("kind", ["store", "file"])
def test_a_delete_whose_answers_were_lost_ends_ownership_when_the_object_is_absent(
    system: ReconcilerHarness, connect: Connect, kind: str
) -> None:
    client = connect(system.harness.key(KEY))
    if kind == "store":
        name = client.vector_stores.create(name="x").id
        delete, retrieve = client.vector_stores.delete, client.vector_stores.retrieve
    else:
        name = client.files.create(file=("a.md", b"a"), purpose="assistants").id
        delete, retrieve = client.files.delete, client.files.retrieve  # type: ignore[assignment]
    lost(system, lambda: delete(name), hang_up)
    assert system.sweep() == {"looked": 1}
    assert system.sweep() == {"voided": 1}
    assert retrieve(name).id == name
    system.openai.stores.pop(name, None)
    system.openai.files.pop(name, None)
    lost(system, lambda: delete(name), hang_up)
    assert system.sweep() == {"done": 1}
    assert resolved(system) == (State.ANSWERED, Resolution.OBJECT)
    system.harness.upstream.forget()
    assert fails(lambda: retrieve(name)) == 404
    assert system.harness.upstream.calls == 0


def test_an_attachment_whose_answers_were_lost_is_there_or_is_not(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    store = client.vector_stores.create(name="x").id
    file = client.files.create(file=("a.md", b"a"), purpose="assistants").id
    lost(system, lambda: client.vector_stores.files.create(store, file_id=file), hang_up)
    assert system.harness.rows()[-1].file_id == file
    assert system.sweep() == {"done": 1}


def test_what_was_found_to_be_done_answers_for_its_repetitions(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    store = client.vector_stores.create(name="x").id
    file = client.files.create(file=("a.md", b"a"), purpose="assistants").id
    attached = {"Idempotency-Key": "attached"}
    lost(system, lambda: client.vector_stores.files.create(store, file_id=file, extra_headers=attached), hang_up)
    assert system.sweep() == {"done": 1}
    detached = {"Idempotency-Key": "detached"}
    system.harness.upstream.will(hang_up, hang_up, hang_up)
    fails(lambda: client.vector_stores.files.delete(file, vector_store_id=store, extra_headers=detached))
    system.harness.upstream.will(refusal(404))  # what the look finds
    assert system.sweep() == {"done": 1}
    system.harness.upstream.forget()
    again = client.vector_stores.files.create(store, file_id=file, extra_headers=attached)
    assert (again.id, again.object) == (file, "vector_store.file")
    deleted = client.vector_stores.files.delete(file, vector_store_id=store, extra_headers=detached)
    assert (deleted.id, deleted.object, deleted.deleted) == (file, "vector_store.file.deleted", True)
    assert system.harness.upstream.calls == 0


def test_rows_of_a_provider_that_is_not_configured_delay_no_others(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    began = system.harness.time.clock().unix_ms() - 1_000_000
    for number in range(PAGE + 1):
        system.harness.stores.ledger.begin(begun(number, started_ms=began, provider=ProviderName("unconfigured")))
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: client.vector_stores.create(name="x"))
    assert system.sweep() == {"failed": PAGE + 1, "adopted": 1}


def test_a_provider_that_hangs_takes_its_own_time_and_no_more(
    system: ReconcilerHarness, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(system.harness.key(KEY))
    for store in [client.vector_stores.create(name="x").id for _ in range(5)]:
        lost(system, lambda store=store: client.vector_stores.delete(store), hang_up)  # type: ignore[misc]
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: client.vector_stores.create(name="y"))
    ask, asked = ProviderClient.send, []

    def hang(exchange: ProviderClient, call: Call) -> Answer:
        if call.operation.name == "vector_stores.list":
            return ask(exchange, call)
        asked.append(call)
        system.harness.time.skip(PROVIDER_SECONDS)
        raise UpstreamFailed("simulated", status=504, type="server_error")

    monkeypatch.setattr(ProviderClient, "send", hang)
    assert system.sweep() == {"adopted": 1, "failed": 5}  # what a list shows comes before what needs a probe each
    assert len(asked) == 1


@pytest.mark.parametrize("listed", [None, {}, "none", [None], [{"id": "../b"}]])
def test_a_list_that_makes_no_sense_voids_nothing(system: ReconcilerHarness, connect: Connect, listed: object) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(hang_up)
    fails(lambda: client.vector_stores.create(name="x"))
    system.harness.upstream.always(answer(200, {"object": "list", "data": listed, "has_more": True}))
    for _ in range(3):
        assert system.sweep() == {"failed": 1}
    assert system.harness.telemetry.failed_ids == [system.harness.rows()[0].id] * 3


def test_what_cannot_be_known_does_not_stay_open(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    store = client.vector_stores.create(name="x").id
    file = client.files.create(file=("a.md", b"a"), purpose="assistants").id
    lost(system, lambda: client.vector_stores.update(store, name="y"), hang_up)
    system.harness.upstream.will(hang_up)
    fails(lambda: client.vector_stores.file_batches.create(store, file_ids=[file]))
    assert system.sweep() == {"voided": 2}
    assert {row.found_by for row in system.harness.rows()[-2:]} == {Resolution.UNKNOWABLE}


def test_the_operations_whose_outcome_cannot_be_known_are_these() -> None:
    changes = [operation for operation in BY_NAME.values() if operation.safety is not Safety.READ]
    unknowable = {
        operation.name
        for operation in changes
        if operation.name not in PROBES and operation.creates not in {ObjectKind.VECTOR_STORE, ObjectKind.FILE}
    }
    assert unknowable == {
        "vector_stores.update",
        "vector_stores.files.update",
        "vector_stores.file_batches.create",
        "uploads.create",
        "uploads.parts.create",
        "uploads.cancel",
        "responses.create",  # by its id, if an answer named it before it broke; else charged at its ceiling
        "responses.compact",
    }
