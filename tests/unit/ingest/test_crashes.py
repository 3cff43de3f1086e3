"""Wherever a process ends, and whichever processes overlap, each object is uploaded and attached once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.faults import SimulatedCrash
from tests.harnesses.ingest import KEY, IngestHarness
from vectorgate.ingest.attachment import (
    ATTEMPT_SECONDS,
)
from vectorgate.ingest.model import (
    Done,
    ObjectLocation,
    RetryLater,
)


def test_an_attachment_whose_answer_was_lost_is_looked_for_before_it_is_made_again(harness: IngestHarness) -> None:
    change, execute = harness.bucket.put(KEY, b"x"), harness.provider.execute
    lost: list[bool] = []

    def losing(request: Any) -> Any:
        done = execute(request)
        if request.url.endswith("file_batches") and not lost:
            lost.append(True)
            raise SimulatedCrash
        return done

    harness.provider.execute = losing  # type: ignore[method-assign]
    with pytest.raises(SimulatedCrash):
        harness.process(change)
    early = harness.process(change)
    assert isinstance(early, RetryLater)
    assert early.seconds <= ATTEMPT_SECONDS
    harness.now += ATTEMPT_SECONDS
    done = harness.process(change)
    assert isinstance(done, Done)
    assert done.follow_up is not None
    assert done.follow_up.batch_id is None
    assert set(harness.provider.attach_counts.values()) == {1}


@pytest.mark.parametrize("crash", range(60))
def test_wherever_the_process_ends_the_next_one_finishes(crash: int) -> None:
    harness = IngestHarness(crash)
    harness.ingest(content=b"old")
    harness.send(harness.bucket.put(KEY, b"new"), harness.bucket.put("acme/docs/other", b"other"))
    harness.crash_at = crash
    harness.run()
    assert harness.attachments() == harness.expected_attachments()
    assert len(harness.provider.files) == 2
    assert max(harness.provider.attach_counts.values()) == 1
    harness.close()


def test_two_that_handle_one_object_at_once_upload_and_attach_it_once(harness: IngestHarness) -> None:
    change, execute = harness.bucket.put(KEY, b"x"), harness.provider.execute
    second: list[Any] = []

    def meanwhile(request: Any) -> Any:
        if request.method == "POST" and not request.url.endswith("vector_stores"):
            second.append(harness.process(change))
        return execute(request)

    harness.provider.execute = meanwhile  # type: ignore[method-assign]
    harness.process(change)
    assert [type(outcome) for outcome in second] == [RetryLater, RetryLater]
    harness.send(change)
    harness.run()
    assert harness.provider.calls["POST files"] == 1
    assert set(harness.provider.attach_counts.values()) == {1}


def test_an_upload_that_was_overtaken_leaves_no_file(harness: IngestHarness) -> None:
    old = harness.bucket.put(KEY, b"old")
    new, execute = harness.bucket.put(KEY, b"new"), harness.provider.execute
    overtaken: list[bool] = []

    def meanwhile(request: Any) -> Any:
        done = execute(request)
        if request.url.endswith("/files") and request.method == "POST" and not overtaken:
            overtaken.append(True)
            harness.process(new)
        return done

    harness.provider.execute = meanwhile  # type: ignore[method-assign]
    assert isinstance(harness.process(old), RetryLater)
    harness.send(old, new)
    harness.run()
    assert harness.attachments() == harness.expected_attachments()
    assert len(harness.provider.files) == 1


def test_an_upload_that_takes_minutes_is_not_taken_for_a_crash(harness: IngestHarness) -> None:
    change, execute = harness.bucket.put(KEY, b"x"), harness.provider.execute
    meanwhile: list[Any] = []

    def slowly(request: Any) -> Any:
        if request.url.endswith("/files") and request.method == "POST":
            for _ in range(5):
                harness.now += 100
                harness.sweep()
                meanwhile.append(harness.process(change))
        return execute(request)

    harness.provider.execute = slowly  # type: ignore[method-assign]
    assert isinstance(harness.process(change), Done)
    assert {type(outcome) for outcome in meanwhile} == {RetryLater}
    assert harness.provider.calls["POST files"] == 1
    assert harness.attachments() == harness.expected_attachments()


def test_an_upload_that_was_cut_off_is_found_out_once_it_cannot_be_under_way(harness: IngestHarness) -> None:
    change, execute = harness.bucket.put(KEY, b"x"), harness.provider.execute
    lost: list[str] = []

    def losing(request: Any) -> Any:
        done = execute(request)
        if request.url.endswith("/files") and request.method == "POST" and not lost:
            lost.append(done[1]["id"])
            raise SimulatedCrash
        return done

    harness.provider.execute = losing  # type: ignore[method-assign]
    harness.send(change)
    harness.run()
    assert harness.attachments() == harness.expected_attachments()
    assert lost[0] not in harness.provider.files, "an upload that is matched by name and size alone is sent again"


def test_lost_uploads_that_look_alike_are_never_mistaken_for_one_another(harness: IngestHarness) -> None:
    """Same name and size: the first never arrived, the second did, and both answers were lost."""
    first, second = harness.bucket.put("acme/docs/1/a.txt", b"1111"), harness.bucket.put("acme/docs/2/a.txt", b"2222")
    execute = harness.provider.execute
    sent: list[bool] = []

    def losing(request: Any) -> Any:
        if request.url.endswith("/files") and request.method == "POST":
            sent.append(True)
            if len(sent) == 1:
                raise SimulatedCrash
            done = execute(request)
            if len(sent) == 2:
                raise SimulatedCrash
            return done
        return execute(request)

    harness.provider.execute = losing  # type: ignore[method-assign]
    harness.send(first)
    harness.step()
    harness.send(second)
    harness.run()
    assert harness.attachments() == harness.expected_attachments()
    assert len(harness.provider.files) == 2


def test_an_upload_that_was_overtaken_before_it_began_leaves_no_file(harness: IngestHarness) -> None:
    old, new, opened = harness.bucket.put(KEY, b"old"), harness.bucket.put(KEY, b"new"), harness.bucket.open
    meanwhile: list[Any] = []

    def slowly(place: ObjectLocation, version: str | None) -> Any:
        if not meanwhile:
            meanwhile.append(True)
            meanwhile.append(harness.process(new))
        return opened(place, version)

    harness.bucket.open = slowly  # type: ignore[method-assign]
    assert isinstance(harness.process(old), RetryLater)
    assert isinstance(meanwhile[1], Done)
    assert len(harness.provider.files) == 2
    assert harness.process(old) == Done()
    assert harness.attachments() == harness.expected_attachments()
    assert len(harness.provider.files) == 1
