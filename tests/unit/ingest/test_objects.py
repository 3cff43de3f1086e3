"""Objects of the bucket: how each event changes the stores, and its outcome."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from tests.fakes.bucket import BUCKET
from tests.harnesses.ingest import KEY, IngestHarness
from vectorgate.ingest.model import (
    DetailType,
    Done,
    IndexingReminder,
    ObjectLocation,
    RetryLater,
)


def test_an_object_is_uploaded_and_attached_to_the_store_of_its_prefix(harness: IngestHarness) -> None:
    change = harness.bucket.put(KEY, b"hello", metadata={"author": "Zoë"}, year="2026")
    done = harness.process(change)
    (name, store), (file_id, file) = harness.provider.vector_stores.popitem(), harness.provider.files.popitem()
    assert (store.name, store.files) == ("docs", {file_id: {"author": "Zoë", "year": "2026"}})
    assert (file.filename, file.content) == ("guide.md", hashlib.sha256(b"hello").hexdigest())
    watch = IndexingReminder(
        team="red", vector_store_id=name, batch_id=done.follow_up.batch_id, files={file_id: change.location}
    )
    assert done == Done(watch, 5)


def test_every_call_is_in_the_teams_ledger(harness: IngestHarness) -> None:
    harness.ingest()
    assert {(row.tenant, row.team_id, row.tags) for row in harness.rows()} == {("team:red", "red", ("ingest",))}
    assert {row.operation for row in harness.rows()} >= {
        "vector_stores.create",
        "files.create",
        "vector_stores.file_batches.create",
    }


def test_a_result_comes_back_once_the_file_is_indexed(harness: IngestHarness) -> None:
    change = harness.ingest()
    (detail,) = harness.details(DetailType.FILE_INDEXED)
    (name, store) = harness.provider.vector_stores.popitem()
    assert detail == {
        "vector_store_id": name,
        "file_id": next(iter(store.files)),
        "bucket": BUCKET,
        "key": KEY,
        "version_id": change.version,
        "usage_bytes": 5,
    }


def test_a_file_that_cannot_be_indexed_fails_with_the_providers_reason(harness: IngestHarness) -> None:
    harness.provider.last_error["guide.md"] = {"code": "unsupported_file", "message": "It is empty."}
    harness.ingest()
    (detail,) = harness.details(DetailType.FILE_FAILED)
    assert detail["error"] == {"code": "unsupported_file", "message": "It is empty."}
    assert harness.details(DetailType.FILE_INDEXED) == []


def test_a_file_that_is_still_being_indexed_is_looked_at_again_ever_more_seldom(harness: IngestHarness) -> None:
    harness.provider.index_seconds = 10**9
    done = harness.process(harness.bucket.put(KEY, b"hello"))
    pauses = []
    for _ in range(12):
        done = harness.process(done.follow_up)
        pauses.append(done.seconds)
    assert pauses == [10, 20, 40, 80, 160, 320, 640, 900, 900, 900, 900, 900]
    assert harness.details(DetailType.FILE_FAILED) == []
    assert harness.process(replace(done.follow_up, round=100)) == Done()
    assert "in_progress" in harness.details(DetailType.FILE_FAILED)[0]["error"]["message"]


def test_a_repeated_event_has_no_effect_and_asks_the_provider_nothing(harness: IngestHarness) -> None:
    change = harness.ingest()
    before, rows = sum(harness.provider.calls.values()), len(harness.rows())
    assert harness.process(change, change) == [Done(), Done()]
    assert (sum(harness.provider.calls.values()), len(harness.rows())) == (before, rows)


def test_an_overwritten_object_replaces_the_one_before_it(harness: IngestHarness) -> None:
    harness.ingest(content=b"old")
    (old,) = harness.provider.files
    harness.ingest(content=b"new!")
    assert harness.attachments() == harness.expected_attachments()
    assert list(harness.provider.files) != [old]
    assert len(harness.provider.files) == 1


def test_the_new_file_is_attached_before_the_old_one_goes(harness: IngestHarness) -> None:
    harness.ingest(content=b"old")
    seen: list[int] = []
    harness.provider.refuse = lambda method, named, _: (
        seen.append(len(next(iter(harness.provider.vector_stores.values())).files))
        if (method, named) == ("DELETE", "vector_stores/*/files/*")
        else None
    )
    harness.ingest(content=b"new")
    assert seen == [2]


def test_a_late_older_version_changes_nothing(harness: IngestHarness) -> None:
    old, new = harness.bucket.put(KEY, b"old"), harness.bucket.put(KEY, b"new")
    harness.send(new)
    harness.run()
    before = dict(harness.provider.files)
    assert harness.process(old) == Done()
    assert harness.provider.files == before


def test_a_removed_object_is_detached_and_its_file_deleted(harness: IngestHarness) -> None:
    harness.ingest()
    assert harness.process(harness.bucket.remove(KEY)) == Done()
    assert harness.provider.files == {}
    assert harness.attachments() == {}


def test_a_removal_that_comes_first_is_remembered(harness: IngestHarness) -> None:
    written, removed = harness.bucket.put(KEY, b"x"), harness.bucket.remove(KEY)
    assert harness.process(removed) == Done()
    assert harness.process(written) == Done()
    assert harness.provider.files == {}


def test_removing_an_old_version_leaves_the_current_one_alone(harness: IngestHarness) -> None:
    old = harness.ingest(content=b"old")
    harness.ingest(content=b"new")
    before = dict(harness.provider.files)
    assert harness.process(harness.bucket.purge(KEY, old.version)) == Done()
    assert harness.provider.files == before


def test_removing_the_current_version_brings_the_one_before_it_back(harness: IngestHarness) -> None:
    harness.ingest(content=b"old")
    new = harness.ingest(content=b"new")
    harness.send(harness.bucket.purge(KEY, new.version))
    harness.run()
    assert harness.attachments() == harness.expected_attachments()
    assert sum(harness.attachments().values()) == 1


def test_an_object_that_is_gone_before_it_is_read_is_nothing(harness: IngestHarness) -> None:
    written = harness.bucket.put(KEY, b"x")
    harness.bucket.objects.clear()
    assert harness.process(written) == Done()
    assert harness.provider.calls == {}


def test_a_folder_is_nothing(harness: IngestHarness) -> None:
    assert harness.process(harness.bucket.put("acme/docs/", b"")) == Done()
    assert harness.provider.calls == {}


def test_results_are_published_once_however_many_reminders_arrive(harness: IngestHarness) -> None:
    done = harness.process(harness.bucket.put(KEY, b"x"))
    harness.now += 10
    assert harness.process(done.follow_up) == Done()
    assert harness.process(done.follow_up) == Done()
    assert len(harness.details(DetailType.FILE_INDEXED)) == 1


def test_reminders_of_one_batch_ask_for_the_batch_as_long_as_none_of_it_is_done(harness: IngestHarness) -> None:
    harness.provider.index_seconds = 100.0
    first, second = harness.process(harness.bucket.put("acme/docs/1", b"x"), harness.bucket.put("acme/docs/2", b"y"))
    counts = {"in_progress": 2, "completed": 0, "failed": 0, "cancelled": 0, "total": 2}
    harness.provider.refuse = lambda _method, named, _body: (
        (200, {"id": first.follow_up.batch_id, "file_counts": counts}) if named.endswith("file_batches/*") else None
    )
    harness.provider.calls.clear()
    again = harness.process(first.follow_up, second.follow_up)
    assert [each.follow_up.round for each in again] == [1, 1]
    assert harness.provider.calls == {"GET vector_stores/*/file_batches/*": 1}


@pytest.mark.parametrize("said", [4, 6])
def test_an_object_that_is_not_as_long_as_it_was_said_to_be_is_not_uploaded(harness: IngestHarness, said: int) -> None:
    change, opened = harness.bucket.put(KEY, b"hello"), harness.bucket.open

    def misjudged(place: ObjectLocation, version: str | None) -> Any:
        found = opened(place, version)
        return None if found is None else replace(found, size=said)

    harness.bucket.open = misjudged  # type: ignore[method-assign]
    assert isinstance(harness.process(change), RetryLater)
    assert harness.provider.files == {}
    harness.bucket.open = opened  # type: ignore[method-assign]
    harness.send(change)
    harness.run()
    assert harness.attachments() == harness.expected_attachments()


def test_what_is_opened_is_closed_whatever_happens(harness: IngestHarness) -> None:
    opened = harness.bucket.open
    streams: list[Any] = []

    def watched(place: ObjectLocation, version: str | None) -> Any:
        found = opened(place, version)
        streams.extend([] if found is None else [found.stream])
        return found

    harness.bucket.open = watched  # type: ignore[method-assign]
    harness.ingest()
    harness.process(harness.bucket.put("acme/docs/bad", b"x", metadata={"k": "v" * 513}))
    harness.process(harness.bucket.remove("acme/docs/bad"), harness.bucket.purge(KEY, "none"))
    assert len(streams) >= 3
    assert all(stream.closed for stream in streams)
