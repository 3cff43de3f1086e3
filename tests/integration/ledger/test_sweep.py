"""Lost answers and crashes at every step, through real sockets, and how the sweep resolves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest

from tests.factories.ledger import begun
from tests.fakes.openai import store_document
from tests.fakes.upstream import answer, hang_up, refusal
from tests.integration.ledger.conftest import reconciler, until_ambiguous, until_assigned
from vectorgate.api.errors import UpstreamFailed
from vectorgate.api.operations import BY_NAME
from vectorgate.api.safety import Safety
from vectorgate.gateway.pipeline import Gateway
from vectorgate.gateway.recorder import CallRecorder
from vectorgate.ids import ObjectKind, ProviderName
from vectorgate.ledger.entry import Resolution, State
from vectorgate.ledger.reconciliation.probes import PROBES
from vectorgate.ledger.reconciliation.sweep import PAGE, PROVIDER_SECONDS
from vectorgate.providers.client import ProviderClient
from vectorgate.providers.openai import TAG
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.gateway import Connect
    from tests.integration.ledger.conftest import ReconcilerHarness
    from vectorgate.providers.base import Answer, Call

pytestmark = pytest.mark.usefixtures("only_the_sweep_looks")
KEY, OTHER = "sk-reconciled-one", "sk-reconciled-two"
FULL = {f"k{number}": "v" for number in range(16)}


def fails(ask: Callable[[], object]) -> int:
    """The status that it fails with."""
    with pytest.raises(openai.APIStatusError) as caught:
        ask()
    return caught.value.status_code


def resolved(system: ReconcilerHarness) -> tuple[State, str | None]:
    """How the last row ended."""
    entry = system.harness.rows()[-1]
    return entry.state, entry.found_by


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


def test_an_upload_whose_answer_was_lost_is_known_by_its_name_and_size(
    system: ReconcilerHarness, connect: Connect
) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: client.files.create(file=("notes.md", b"# notes"), purpose="assistants"))
    assert until_assigned(system) == [{"waiting": 1}, {"weak": 1}]
    (file,) = client.files.list().data
    assert (file.filename, file.bytes) == ("notes.md", 7)


def test_uploads_of_other_sizes_are_not_it(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    system.harness.upstream.will(hang_up)
    fails(lambda: client.files.create(file=("notes.md", b"# notes"), purpose="assistants"))
    system.openai.files["file-f"] = {
        "id": "file-f", "created_at": int(system.harness.time.wall()), "filename": "notes.md", "bytes": 8,
        "purpose": "assistants",
    }  # fmt: skip
    system.sweep()
    assert system.sweep() == {"voided": 1}


def begun_upload(client: openai.OpenAI, content: bytes = b"# notes") -> tuple[str, str]:
    """An upload that one part makes whole."""
    upload = client.uploads.create(
        filename="notes.md", bytes=len(content), mime_type="text/markdown", purpose="assistants"
    )
    return upload.id, client.uploads.parts.create(upload.id, data=content).id


@pytest.mark.parametrize("act", ["unseen", "unseen_500"])
def test_a_file_whose_completion_was_lost_is_recognised_by_what_its_upload_announced(
    system: ReconcilerHarness, connect: Connect, act: str
) -> None:
    client = connect(system.harness.key(KEY))
    upload, part = begun_upload(client)
    system.harness.upstream.will(getattr(system.openai, act))
    headers = {"Idempotency-Key": "k"}
    fails(lambda: client.uploads.complete(upload, part_ids=[part], extra_headers=headers))
    assert until_assigned(system) == [{"waiting": 1}, {"weak": 1}]
    assert resolved(system) == (State.ANSWERED, Resolution.FUZZY_FINGERPRINT)
    named = system.harness.rows()[-1].file_id
    (file,) = client.files.list().data
    assert (file.filename, file.bytes, file.id) == ("notes.md", 7, named)
    system.harness.upstream.forget()
    repeated = client.uploads.complete(upload, part_ids=[part], extra_headers=headers)
    assert repeated.to_dict() == {**system.openai.uploads[upload], "file": file.to_dict()}
    assert system.harness.upstream.calls == 0


def test_a_completion_that_never_was_is_void_and_may_be_repeated(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    upload, part = begun_upload(client)
    system.harness.upstream.will(hang_up)
    fails(lambda: client.uploads.complete(upload, part_ids=[part]))
    assert system.sweep() == {"looked": 1}
    assert system.sweep() == {"voided": 1}
    assert resolved(system) == (State.VOIDED, Resolution.ABSENT)
    assert client.uploads.complete(upload, part_ids=[part]).status == "completed"


def test_a_file_that_two_tenants_can_have_made_gets_no_owner(system: ReconcilerHarness, connect: Connect) -> None:
    one, other = connect(system.harness.key(KEY, team="red")), connect(system.harness.key(OTHER, team="blue"))
    upload, part = begun_upload(one)
    system.harness.upstream.will(system.openai.unseen)
    fails(lambda: one.uploads.complete(upload, part_ids=[part]))
    system.harness.upstream.will(hang_up)
    fails(lambda: other.files.create(file=("notes.md", b"# notes"), purpose="assistants"))
    assert until_ambiguous(system)[-1] == {"ambiguous": 2}
    assert (one.files.list().data, other.files.list().data) == ([], [])


def test_an_upload_or_a_part_that_was_lost_is_void_at_once_for_it_ends_by_itself(
    system: ReconcilerHarness, connect: Connect
) -> None:
    client = connect(system.harness.key(KEY))
    upload, _ = begun_upload(client)
    for ask in (
        lambda: begun_upload(client),
        lambda: client.uploads.parts.create(upload, data=b"# notes"),
    ):
        system.harness.upstream.will(system.openai.unseen)
        fails(ask)
    lost(system, lambda: client.uploads.cancel(upload), hang_up)
    assert system.sweep() == {"voided": 3}
    assert {row.found_by for row in system.harness.rows()[-3:]} == {Resolution.UNKNOWABLE}


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


def lost(system: ReconcilerHarness, ask: Callable[[], object], act: Any) -> int:
    """Ask for something that may be repeated, and lose all three answers."""
    system.harness.upstream.will(act, act, act)
    return fails(ask)


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


def test_the_youngest_row_that_can_have_made_a_file_is_looked_for_before_the_file_is_assigned(
    system: ReconcilerHarness, connect: Connect
) -> None:
    red, blue = (connect(system.harness.key(key)) for key in (KEY, OTHER))
    system.harness.upstream.will(hang_up, system.openai.unseen)
    fails(lambda: red.files.create(file=("a.md", b"a"), purpose="assistants"))
    system.harness.time.skip(
        5.8 - system.harness.time.wall() % 1
    )  # the second is made late in a second that its file is dated by
    fails(lambda: blue.files.create(file=("a.md", b"a"), purpose="assistants"))
    ends = []
    for _ in range(60):
        system.harness.time.skip(5)
        ends.append(reconciler(system.harness).sweep())
    assert not [end for end in ends if end["weak"]]
    assert sum(end["ambiguous"] for end in ends) == 2
    assert (red.files.list().data, blue.files.list().data) == ([], [])


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


def test_a_tag_is_in_no_answer(system: ReconcilerHarness, connect: Connect) -> None:
    client = connect(system.harness.key(KEY))
    store = client.vector_stores.create(name="x")
    answers = [store, client.vector_stores.retrieve(store.id), client.vector_stores.update(store.id, name="y")]
    answers += client.vector_stores.list().data
    assert TAG in system.openai.stores[store.id]["metadata"]
    assert [answer.metadata for answer in answers] == [{}] * 4
