"""Requests of applications by events, and the results that they receive."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from vectorgate.ingest.model import (
    AttachRequested,
    CreateRequested,
    DetailType,
    Done,
    PermanentFailure,
)

if TYPE_CHECKING:
    from tests.harnesses.ingest import IngestHarness


def test_an_application_gets_a_store_and_its_id(harness: IngestHarness) -> None:
    wanted = CreateRequested(event_id="e1", source="crm", body={"name": "docs", "metadata": {"a": "b"}})
    assert harness.process(wanted, wanted) == [Done(), Done()]
    (name,) = harness.provider.vector_stores
    assert (
        harness.details(DetailType.STORE_CREATED) == [{"event_id": "e1", "vector_store_id": name, "name": "docs"}] * 2
    )


def test_an_invalid_store_is_reported_and_set_aside(harness: IngestHarness) -> None:
    wanted = CreateRequested(event_id="e1", source="crm", body={"name": 7})
    outcome = harness.process(wanted)
    assert isinstance(outcome, PermanentFailure)
    (detail,) = harness.details(DetailType.STORE_FAILED)
    assert (detail["event_id"], detail["error"]["message"]) == ("e1", outcome.reason)


def file_of(harness: IngestHarness, team_key: str = "acme/docs/seed") -> str:
    harness.ingest(team_key, b"seed")
    return next(name for name, file in harness.provider.files.items() if file.filename == "seed")


def test_an_application_attaches_a_file_by_name_with_all_that_a_file_can_have(harness: IngestHarness) -> None:
    file_id = file_of(harness)
    chunks = {"type": "static", "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 100}}
    harness.send(
        AttachRequested(
            event_id="e2", source="crm", file_id=file_id, name="wiki", attributes={"n": 1}, chunking_strategy=chunks
        )
    )
    harness.run()
    store = next(store for store in harness.provider.vector_stores.values() if store.name == "wiki")
    assert store.files == {file_id: {"n": 1}}
    assert harness.provider.bodies[-1] == {"file_ids": [file_id], "attributes": {"n": 1}, "chunking_strategy": chunks}
    assert harness.details(DetailType.FILE_INDEXED)[-1]["event_id"] == "e2"


def test_an_attachment_that_is_asked_for_twice_is_made_once(harness: IngestHarness) -> None:
    wanted = AttachRequested(event_id="e2", source="crm", file_id=file_of(harness), name="wiki")
    harness.send(wanted, wanted)
    harness.run()
    harness.send(wanted)
    harness.run()
    assert set(harness.provider.attach_counts.values()) == {1}


@pytest.mark.parametrize(
    "changes",
    [
        {"file_id": "file-unknown"},
        {"vector_store_id": "vs_unknown", "name": None},
        {"attributes": {"k" * 65: "v"}},
        {"chunking_strategy": {"type": "magic"}},
    ],
)
def test_an_invalid_attachment_is_reported_and_set_aside(harness: IngestHarness, changes: dict[str, Any]) -> None:
    wanted = replace(AttachRequested(event_id="e2", source="crm", file_id=file_of(harness), name="wiki"), **changes)
    assert isinstance(harness.process(wanted), PermanentFailure)
    (detail,) = harness.details(DetailType.FILE_FAILED)
    assert (detail["event_id"], detail["file_id"]) == ("e2", wanted.file_id)


def test_no_team_attaches_what_is_another_teams(harness: IngestHarness) -> None:
    file_id = file_of(harness)
    harness.ingest("other/theirs/x")
    theirs = next(name for name, store in harness.provider.vector_stores.items() if store.name == "theirs")
    before = sum(harness.provider.calls.values())
    foreign_file = AttachRequested(event_id="e1", source="other", file_id=file_id, vector_store_id=theirs)
    foreign_store = AttachRequested(event_id="e2", source="crm", file_id=file_id, vector_store_id=theirs)
    absent = AttachRequested(event_id="e3", source="crm", file_id=file_id, vector_store_id="vs_0123456789")
    outcomes = harness.process(foreign_file, foreign_store, absent)
    assert [type(outcome) for outcome in outcomes] == [PermanentFailure] * 3
    assert outcomes[1].reason == outcomes[2].reason.replace("vs_0123456789", theirs), "foreign is absent"
    assert sum(harness.provider.calls.values()) - before <= 1, (
        "the foreign file's own store is all that is ever asked for"
    )
    assert harness.provider.vector_stores[theirs].files.keys() != {file_id}
