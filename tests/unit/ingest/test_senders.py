"""Which team a sender ingests for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.fakes.bucket import BUCKET
from tests.harnesses.ingest import KEY, IngestHarness
from vectorgate.ingest.model import (
    CreateRequested,
    IndexingReminder,
    ObjectChange,
    ObjectLocation,
    PermanentFailure,
)


@pytest.mark.parametrize(
    "key",
    [
        "nobody/docs/a",
        "red/docs/a",
        "ACME/docs/a",
        "acme /docs/a",
        "a/../acme/docs/a",
        "acme",
    ],
)
def test_a_prefix_without_a_team_is_set_aside_before_a_provider_is_asked(harness: IngestHarness, key: str) -> None:
    assert isinstance(harness.process(harness.bucket.put(key, b"x")), PermanentFailure)
    assert harness.provider.calls == {}
    assert harness.rows() == []
    assert harness.stores.ingest.object_row(ObjectLocation(BUCKET, key)) is None


def test_an_event_of_an_unknown_application_is_set_aside(harness: IngestHarness) -> None:
    assert isinstance(harness.process(CreateRequested(event_id="e", source="red", body={})), PermanentFailure)
    assert (harness.provider.calls, harness.events) == ({}, [])


def test_another_bucket_is_not_ours(harness: IngestHarness) -> None:
    change = ObjectChange(location=ObjectLocation("elsewhere", KEY), sequencer="01")
    assert isinstance(harness.process(change), PermanentFailure)
    assert (harness.provider.calls, harness.events) == ({}, [])


def test_a_reminder_for_a_team_without_senders_is_set_aside(harness: IngestHarness) -> None:
    watch = IndexingReminder(team="green", vector_store_id="vs_1", batch_id=None, files={"file-1": "e"})
    assert isinstance(harness.process(watch), PermanentFailure)
    assert harness.provider.calls == {}


def test_a_sender_that_moves_to_another_team_takes_nothing_along(harness: IngestHarness) -> None:
    harness.ingest()
    harness.ingestor = replace(harness.ingestor, senders={"acme": "blue"})
    harness.ingest(content=b"new")
    assert harness.attachments() == harness.expected_attachments() | harness.attachments()
    assert len(harness.provider.files) == 1
    assert [len(store.files) for store in harness.provider.vector_stores.values()] == [0, 1]


@pytest.mark.parametrize("first", [3, 6, 9, 12, 15])
@pytest.mark.parametrize("second", range(0, 24, 4))
def test_a_sender_that_moves_while_an_object_is_under_way_leaves_nothing_behind(
    harness: IngestHarness, first: int, second: int
) -> None:
    change = harness.bucket.put(KEY, b"hello")
    harness.send(change)
    harness.crash_at = first
    harness.step()
    harness.ingestor, harness.crash_at = replace(harness.ingestor, senders={"acme": "blue"}), second
    harness.run()
    harness.crash_at = None
    row = harness.stores.ingest.object_row(change.location)
    assert row is not None
    assert row.team == "blue"
    assert [row.file_id] == list(harness.provider.files)
    harness.send(harness.bucket.remove(KEY))
    harness.run()
    assert harness.provider.files == {}
