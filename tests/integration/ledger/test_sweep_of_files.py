"""What the sweep finds out of lost uploads and completions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.upstream import hang_up
from tests.integration.ledger.conftest import (
    KEY,
    OTHER,
    fails,
    lost,
    reconciler,
    resolved,
    until_ambiguous,
    until_assigned,
)
from vectorgate.ledger.entry import Resolution, State

if TYPE_CHECKING:
    import openai

    from tests.harnesses.gateway import Connect
    from tests.integration.ledger.conftest import ReconcilerHarness


pytestmark = pytest.mark.usefixtures("only_the_sweep_looks")


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
