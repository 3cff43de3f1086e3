"""Lost answers and crashes at every step, through real sockets, and how the sweep resolves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.fakes.openai import store_document
from tests.fakes.upstream import hang_up
from tests.integration.ledger.conftest import (
    FULL,
    KEY,
    OTHER,
    fails,
    reconciler,
    resolved,
    until_ambiguous,
    until_assigned,
)
from vectorgate.gateway.pipeline import Gateway
from vectorgate.gateway.recorder import CallRecorder
from vectorgate.ledger.entry import Resolution, State
from vectorgate.providers.openai import TAG
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect
    from tests.integration.ledger.conftest import ReconcilerHarness

pytestmark = pytest.mark.usefixtures("only_the_sweep_looks")


@pytest.mark.parametrize("act", ["unseen", "unseen_500"])
def test_a_store_whose_answer_was_lost_belongs_to_its_creator(
    system: ReconcilerHarness, connect: Connect, act: str
) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(getattr(system.openai, act))
    fails(lambda: client.vector_stores.create(name="x", metadata={"a": "b"}))
    assert system.sweep() == {"adopted": 1}
    assert system.harness.telemetry.counts["OpenOperations"] == 1
    assert resolved(system) == (State.ANSWERED, Resolution.TAG)
    (store,) = client.vector_stores.list().data
    assert (store.id, store.metadata) == ("vs_0", {"a": "b"})
    assert system.harness.settle() == 2
    assert system.sweep() == {}


def test_a_store_that_never_came_to_be_is_void_after_the_second_look(
    system: ReconcilerHarness, connect: Connect
) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(hang_up)
    fails(lambda: client.vector_stores.create(name="x"))
    assert system.sweep() == {"looked": 1}
    assert resolved(system) == (State.UNCERTAIN, None)
    assert system.sweep() == {"voided": 1}
    assert resolved(system) == (State.VOIDED, Resolution.ABSENT)
    assert system.harness.row().spend == 0


def test_a_store_that_the_list_shows_late_is_found_at_the_second_look(
    system: ReconcilerHarness, connect: Connect
) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: client.vector_stores.create(name="x"))
    late = system.openai.stores
    system.openai.stores = {}
    assert system.sweep() == {"looked": 1}
    system.openai.stores = late
    assert system.sweep() == {"adopted": 1}


@pytest.mark.parametrize("metadata", [None, FULL], ids=["tagged", "full"])
def test_a_row_that_a_crash_left_is_settled_within_two_sweeps(
    system: ReconcilerHarness, connect: Connect, monkeypatch: pytest.MonkeyPatch, metadata: Any
) -> None:
    client = connect(system.harness.key(KEY))

    def crash(*_: object) -> None:
        raise SystemError

    steps = ((Gateway, "_forward", {State.VOIDED}), (CallRecorder, "commit", {State.ANSWERED}))
    for owner, step, states in steps:
        with monkeypatch.context() as patch:
            patch.setattr(owner, step, crash)
            assert fails(lambda: client.vector_stores.create(name="x", metadata=metadata)) == 500
        system.sweep()
        system.sweep()
        assert {system.harness.rows()[-1].state} == states
        system.harness.time.skip(600)
    assert len(client.vector_stores.list().data) == 1


def _unavailable(*_: object, **__: object) -> None:
    raise StoreUnavailable


def test_a_conclude_that_fails_is_answered_and_brought_back(
    system: ReconcilerHarness, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(system.harness.key(KEY))

    with monkeypatch.context() as patch:
        patch.setattr(type(system.harness.stores.ledger), "own", _unavailable)
        store = client.vector_stores.create(name="x").id
    assert fails(lambda: client.vector_stores.retrieve(store)) == 404
    assert system.sweep() == {"adopted": 1}
    assert client.vector_stores.retrieve(store).id == store


def test_a_store_whose_row_cannot_be_answered_is_its_tenants_at_once_and_in_the_ledger_after_the_sweep(
    system: ReconcilerHarness, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(system.harness.key(KEY))

    with monkeypatch.context() as patch:
        patch.setattr(type(system.harness.stores.ledger), "advance", _unavailable)
        store = client.vector_stores.create(name="x", metadata={f"k{n}": "v" for n in range(16)}).id
    assert client.vector_stores.retrieve(store).id == store
    assert system.sweep() == {"adopted": 1}
    row = next(row for row in system.harness.rows() if row.vector_store_id == store)
    assert row.found_by == "owner"


def test_an_idempotency_key_gets_the_store_that_was_found(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    headers = {"Idempotency-Key": "k"}
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: client.vector_stores.create(name="x", extra_headers=headers))
    assert fails(lambda: client.vector_stores.create(name="x", extra_headers=headers)) == 409
    system.sweep()
    store = client.vector_stores.create(name="x", extra_headers=headers)
    assert (store.id, store.metadata, list(system.openai.stores)) == ("vs_0", {}, ["vs_0"])


def test_an_sdks_late_retry_gets_the_store_that_was_found(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: client.vector_stores.create(name="x"))
    system.sweep()
    store = client.vector_stores.create(name="x", extra_headers={"x-stainless-retry-count": "1"})
    assert (store.id, len(system.openai.stores)) == ("vs_0", 1)


def test_an_idempotency_key_is_free_when_nothing_was_found(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    headers = {"Idempotency-Key": "k"}
    system.harness.upstream.will(hang_up)
    fails(lambda: client.vector_stores.create(name="x", extra_headers=headers))
    system.sweep()
    system.sweep()
    client.vector_stores.create(name="x", extra_headers=headers)
    assert len(system.openai.stores) == 1


def test_a_store_without_room_for_a_tag_is_recognised_by_its_fingerprint_and_flagged(
    system: ReconcilerHarness, connect: Connect
) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: client.vector_stores.create(name="x", metadata=FULL))
    assert until_assigned(system) == [{"waiting": 1}, {"weak": 1}]
    assert resolved(system) == (State.ANSWERED, Resolution.FUZZY_FINGERPRINT)
    assert client.vector_stores.retrieve("vs_0").metadata == FULL


@pytest.mark.parametrize(
    "facts",
    [
        {"name": "x"},
        {"name": "x", "metadata": {TAG: "01980000-0000-7000-8000-000000000000"}},
        {"name": "y", "metadata": FULL},
        {"name": "x", "metadata": {**FULL, "k0": "w"}},
    ],
    ids=["same name", "another gateway's", "another name", "other metadata"],
)
def test_a_foreign_store_is_never_adopted(system: ReconcilerHarness, connect: Connect, facts: dict[str, Any]) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(hang_up, hang_up)
    fails(lambda: client.vector_stores.create(name="x"))
    fails(lambda: client.vector_stores.create(name="x", metadata=FULL))
    system.openai.stores["vs_foreign"] = store_document(
        "vs_foreign", created_at=int(system.harness.time.wall()), **({"metadata": {}} | facts)
    )
    system.sweep()
    system.sweep()
    assert [row.state for row in system.harness.rows()] == [State.VOIDED] * 2
    assert client.vector_stores.list().data == []


def test_a_foreign_store_with_our_lost_ones_name_full_metadata_and_minute_is_adopted_and_flagged(
    system: ReconcilerHarness, connect: Connect
) -> None:
    """What the ledger does not guarantee: the two cannot be distinguished. Without the lost create it has no owner."""
    client = connect(system.harness.key(KEY))
    foreign = store_document("vs_foreign", created_at=int(system.harness.time.wall()), name="x", metadata=FULL)
    system.openai.stores["vs_foreign"] = foreign
    assert system.sweep() == {}
    assert client.vector_stores.list().data == []
    system.harness.upstream.will(hang_up)
    fails(lambda: client.vector_stores.create(name="x", metadata=FULL))
    foreign["created_at"] = int(system.harness.time.wall())
    assert until_assigned(system) == [{"waiting": 1}, {"weak": 1}]
    assert resolved(system) == (State.ANSWERED, Resolution.FUZZY_FINGERPRINT)
    assert [store.id for store in client.vector_stores.list().data] == ["vs_foreign"]


def test_an_owned_store_is_never_adopted_whatever_its_fingerprint(system: ReconcilerHarness, connect: Connect) -> None:
    one, other = connect(system.harness.key(KEY)), connect(system.harness.key(OTHER))
    store = one.vector_stores.create(name="x", metadata=FULL).id
    system.harness.upstream.will(hang_up)
    fails(lambda: other.vector_stores.create(name="x", metadata=FULL))
    system.sweep()
    system.sweep()
    assert resolved(system) == (State.VOIDED, Resolution.ABSENT)
    assert fails(lambda: other.vector_stores.retrieve(store)) == 404


def test_what_two_tenants_can_have_made_belongs_to_neither(system: ReconcilerHarness, connect: Connect) -> None:
    one, other = connect(system.harness.key(KEY)), connect(system.harness.key(OTHER))
    system.harness.upstream.will(system.openai.unseen, hang_up)
    for client in (one, other):
        fails(lambda client=client: client.vector_stores.create(name="x", metadata=FULL))  # type: ignore[misc]
    assert until_ambiguous(system) == [{"waiting": 2}, {"looked": 2}, {"ambiguous": 2}]
    assert one.vector_stores.list().data == other.vector_stores.list().data == []


def test_a_later_create_does_not_get_what_two_tenants_can_have_made(
    system: ReconcilerHarness, connect: Connect
) -> None:
    victim, thief = (connect(system.harness.key(key)) for key in (KEY, OTHER))
    system.harness.upstream.will(system.openai.unseen, hang_up)
    for client in (victim, thief):
        fails(lambda client=client: client.files.create(file=("a.md", b"a"), purpose="assistants"))  # type: ignore[misc]
    ends = []
    for number in range(40):  # a look every ten seconds, and before the first nine a create that ends unknown
        if number < 9:
            system.harness.upstream.will(hang_up)
            fails(lambda: thief.files.create(file=("a.md", b"a"), purpose="assistants"))
        system.harness.time.skip(10)
        ends.append(reconciler(system.harness).sweep())
    assert not [end for end in ends if end["weak"]]
    assert (victim.files.list().data, thief.files.list().data) == ([], [])


def test_what_is_ambiguous_is_not_executed_again_under_its_key(system: ReconcilerHarness, connect: Connect) -> None:
    client, headers = connect(system.harness.key(KEY)), {"Idempotency-Key": "k"}

    def create() -> object:
        return client.vector_stores.create(name="x", metadata=FULL, extra_headers=headers)

    system.harness.upstream.will(system.openai.unseen)
    fails(create)
    system.openai.stores["vs_foreign"] = {**system.openai.stores["vs_0"], "id": "vs_foreign"}
    assert until_ambiguous(system)[-1] == {"ambiguous": 1}
    with pytest.raises(openai.ConflictError, match="only if it turns out that it was not") as caught:
        create()
    assert caught.value.response.headers["x-should-retry"] == "false"
    assert len(system.openai.stores) == 2
    system.harness.time.skip(86_400)
    create()  # a day later the key is another request's
    assert len(system.openai.stores) == 3


def test_more_equal_objects_than_operations_get_no_owner(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: client.vector_stores.create(name="x", metadata=FULL))
    system.openai.stores["vs_foreign"] = {**system.openai.stores["vs_0"], "id": "vs_foreign"}
    assert until_ambiguous(system)[-1] == {"ambiguous": 1}


def test_what_a_request_under_way_may_be_making_is_not_taken_from_it(
    system: ReconcilerHarness, connect: Connect
) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(hang_up)
    fails(lambda: client.vector_stores.create(name="x", metadata=FULL))
    system.harness.time.skip(61)
    young = store_document("vs_young", created_at=int(system.harness.time.wall()) + 10, name="x", metadata=FULL)
    system.openai.stores["vs_young"] = young
    system.harness.time.skip(-61)
    assert system.sweep() == {"waiting": 1}
    system.sweep()
    assert system.sweep() == {"weak": 1}  # old enough, and no other row contends for it
    assert resolved(system) == (State.ANSWERED, Resolution.FUZZY_FINGERPRINT)


def test_a_list_that_lags_once_does_not_make_certain_what_is_ambiguous(
    system: ReconcilerHarness, connect: Connect
) -> None:
    one, other = (connect(system.harness.key(key)) for key in (KEY, OTHER))
    headers = {"Idempotency-Key": "k"}
    system.harness.upstream.will(system.openai.unseen, hang_up)
    for client in (one, other):
        fails(lambda c=client: c.vector_stores.create(name="x", metadata=FULL, extra_headers=headers))  # type: ignore[misc]
    assert until_assigned(system) == [{"waiting": 2}, {"looked": 2}]
    kept, system.openai.stores = system.openai.stores, {}
    system.harness.time.skip(10)
    assert reconciler(system.harness).sweep() == {"waiting": 2}
    system.openai.stores = kept
    with pytest.raises(openai.ConflictError):
        one.vector_stores.create(name="x", metadata=FULL, extra_headers=headers)


def test_a_retry_of_what_a_crash_left_and_is_ambiguous_is_not_executed(
    system: ReconcilerHarness, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(system.harness.key(KEY))

    def crash(*_: object) -> None:
        raise SystemError

    with monkeypatch.context() as patched:
        patched.setattr(CallRecorder, "commit", crash)
        fails(lambda: client.vector_stores.create(name="x", metadata=FULL))
    system.openai.stores["vs_foreign"] = {**system.openai.stores["vs_0"], "id": "vs_foreign"}
    assert until_ambiguous(system)[-1] == {"ambiguous": 1}
    with pytest.raises(openai.ConflictError):
        client.vector_stores.create(name="x", metadata=FULL, extra_headers={"x-stainless-retry-count": "1"})
    assert len(system.openai.stores) == 2


def test_a_tag_is_in_no_answer(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    store = client.vector_stores.create(name="x")
    answers = [store, client.vector_stores.retrieve(store.id), client.vector_stores.update(store.id, name="y")]
    answers += client.vector_stores.list().data
    assert TAG in system.openai.stores[store.id]["metadata"]
    assert [answer.metadata for answer in answers] == [{}] * 4
