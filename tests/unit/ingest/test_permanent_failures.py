"""Events that cannot succeed are set aside, with their reason."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.bucket import BUCKET
from tests.harnesses.ingest import KEY, IngestHarness
from vectorgate.ingest.model import (
    CreateRequested,
    DetailType,
    Done,
    ObjectChange,
    ObjectLocation,
    PermanentFailure,
)


@pytest.mark.parametrize("metadata", [{f"k{number}": "v" for number in range(17)}, {"k": "v" * 513}, {"k" * 65: "v"}])
def test_metadata_beyond_the_limits_is_reported_and_set_aside_and_nothing_is_uploaded(
    harness: IngestHarness, metadata: dict[str, str]
) -> None:
    assert isinstance(harness.process(harness.bucket.put(KEY, b"x", metadata=metadata)), PermanentFailure)
    assert harness.provider.calls == {}
    (detail,) = harness.details(DetailType.FILE_FAILED)
    assert (detail["bucket"], detail["key"]) == (BUCKET, KEY)


def test_an_object_that_is_refused_takes_its_older_content_with_it(harness: IngestHarness) -> None:
    harness.ingest(content=b"old")
    assert isinstance(harness.process(harness.bucket.put(KEY, b"new", metadata={"k": "v" * 513})), PermanentFailure)
    assert harness.provider.files == {}


def test_one_refused_file_does_not_keep_the_others_of_its_batch_out(harness: IngestHarness) -> None:
    bad: dict[str, Any] = {
        "error": {"message": "Not that one.", "type": "invalid_request_error", "code": "bad", "param": None}
    }

    def refuse(method: str, named: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]] | None:
        items = body.get("files") or [{"file_id": each} for each in body.get("file_ids", ())]
        names = [harness.provider.files[item["file_id"]].filename for item in items]
        return (400, bad) if (method, named) == ("POST", "vector_stores/*/file_batches") and "13" in names else None

    harness.provider.refuse = refuse
    outcomes = harness.process(
        *[harness.bucket.put(f"acme/docs/{number}", b"x", n=str(number)) for number in range(40)]
    )
    assert [number for number, outcome in enumerate(outcomes) if outcome == PermanentFailure("Not that one.")] == [13]
    assert sum(harness.attachments().values()) == 39


def test_a_provider_that_takes_ids_alone_gets_a_batch_for_each_set_of_attributes(harness: IngestHarness) -> None:
    unsupported = {
        "error": {"message": "no", "type": "invalid_request_error", "code": "unsupported_parameter", "param": "files"}
    }
    harness.provider.refuse = lambda _method, _named, body: (400, unsupported) if "files" in body else None
    objects = [harness.bucket.put(f"acme/docs/{number}", b"x", n=str(number % 3)) for number in range(9)]
    assert all(isinstance(outcome, Done) for outcome in harness.process(*objects))
    assert harness.attachments() == harness.expected_attachments()
    assert sorted(len(body["file_ids"]) for body in harness.provider.bodies) == [3, 3, 3]


@pytest.mark.parametrize(
    "key",
    ["acme/docs/\udcff", "acme/docs/\0a", "acme/../other/x/a", "acme/do#cs/a", "acme//a", "acme/docs/" + "x" * 1020],
    ids=repr,
)
def test_a_hostile_key_is_set_aside_before_anything_is_asked_or_kept(harness: IngestHarness, key: str) -> None:
    good = harness.bucket.put(KEY, b"x")
    outcomes = harness.process(ObjectChange(location=ObjectLocation(BUCKET, key), sequencer="01"), good)
    assert [type(outcome) for outcome in outcomes] == [PermanentFailure, Done]
    assert len(harness.provider.files) == 1


@pytest.mark.parametrize(
    "body", [{"metadata": {"a": float("nan")}}, {"name": "\ud800"}, {"metadata": {"a": "v" * 10**6}}]
)
def test_a_body_that_is_not_json_or_too_large_is_set_aside_alone(harness: IngestHarness, body: dict[str, Any]) -> None:
    bad = CreateRequested(event_id="e1", source="crm", body=body)
    good = CreateRequested(event_id="e2", source="crm", body={"name": "docs"})
    assert [type(outcome) for outcome in harness.process(bad, good)] == [PermanentFailure, Done]
    assert [store.name for store in harness.provider.vector_stores.values()] == ["docs"]
