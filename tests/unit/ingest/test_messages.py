"""What a message means, and that nothing in one can say who its sender is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorgate.ingest.messages import ATTACH, CREATE, UnreadableMessage, read_events, write_reminder
from vectorgate.ingest.model import AttachRequested, CreateRequested, IndexingReminder, ObjectChange, ObjectLocation

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
FORGED = ["team", "team_id", "tenant", "api_key", "api_base", "user", "custom_llm_provider", "headers", "source"]


def record(name: str = "ObjectCreated:Put", **changes: Any) -> dict[str, Any]:
    """A record of S3's, as its documentation has it."""
    thing = {"key": "acme/docs/a.txt", "size": 1, "eTag": "d4", "versionId": "096f", "sequencer": "0055AED6DCD90281E5"}
    thing |= changes
    return {
        "eventVersion": "2.1",
        "eventSource": "aws:s3",
        "eventName": name,
        "s3": {
            "bucket": {"name": "ingest"},
            "object": {key: value for key, value in thing.items() if value is not None},
        },
    }


def event(kind: str, detail: object, **changes: Any) -> dict[str, Any]:
    """EventBridge's envelope."""
    envelope = {
        "version": "0",
        "id": "6a7e8feb-b491",
        "detail-type": kind,
        "source": "crm",
        "account": "1",
        "detail": detail,
    }
    return envelope | changes


def one(body: object) -> Any:
    (notice,) = read_events(body)
    return notice


def test_a_notification_says_what_was_written() -> None:
    assert one({"Records": [record()]}) == ObjectChange(
        location=ObjectLocation("ingest", "acme/docs/a.txt"), sequencer="0055AED6DCD90281E5", version="096f"
    )
    assert len(read_events({"Records": [record(), record("ObjectCreated:CompleteMultipartUpload")]})) == 2


@pytest.mark.parametrize(
    ("encoded", "key"),
    [
        ("acme/docs/a+b%2B%C3%BC%281%29.txt", "acme/docs/a b+ü(1).txt"),
        ("acme/docs/%2e%2e%2Fa", "acme/docs/../a"),
        ("acme/docs/%252e", "acme/docs/%2e"),
        ("acme/docs/%00", "acme/docs/\0"),
        ("acme/docs/%FF", "acme/docs/\udcff"),
    ],
)
def test_a_key_is_decoded_once_and_judged_elsewhere(encoded: str, key: str) -> None:
    assert one({"Records": [record(key=encoded)]}).location.key == key


@pytest.mark.parametrize(
    ("name", "gone", "version"),
    [
        ("ObjectCreated:Copy", False, "096f"),
        ("s3:ObjectCreated:Post", False, "096f"),
        ("ObjectRemoved:Delete", True, "096f"),
        ("LifecycleExpiration:Delete", True, "096f"),
        ("ObjectRemoved:DeleteMarkerCreated", True, None),
        ("LifecycleExpiration:DeleteMarkerCreated", True, None),
    ],
)
def test_a_removal_names_the_version_that_is_gone_for_good(name: str, gone: bool, version: str | None) -> None:  # noqa: FBT001 - a parameter
    change = one({"Records": [record(name)]})
    assert (change.deleted, change.version) == (gone, version)


@pytest.mark.parametrize("version", [None, ""])
def test_without_versions_there_is_none(version: str | None) -> None:
    assert one({"Records": [record(versionId=version)]}).version is None


@pytest.mark.parametrize("name", ["ObjectRestore:Post", "ObjectTagging:Put", "ObjectAcl:Put", "LifecycleTransition"])
def test_what_changes_no_content_is_no_notice(name: str) -> None:
    assert read_events({"Records": [record(name), record()]}) == read_events({"Records": [record()]})


def test_the_test_event_of_a_new_notification_is_no_notice() -> None:
    assert read_events({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "ingest"}) == []


@pytest.mark.parametrize(
    ("kind", "detail", "change"),
    [
        (
            "Object Created",
            {"version-id": "v1"},
            ObjectChange(location=ObjectLocation("ingest", "a+b"), sequencer="00A1", version="v1"),
        ),
        (
            "Object Deleted",
            {"deletion-type": "Delete Marker Created", "version-id": "v2"},
            ObjectChange(location=ObjectLocation("ingest", "a+b"), sequencer="00A1", deleted=True),
        ),
        (
            "Object Deleted",
            {"deletion-type": "Permanently Deleted", "version-id": "v1"},
            ObjectChange(location=ObjectLocation("ingest", "a+b"), sequencer="00A1", version="v1", deleted=True),
        ),
    ],
)
def test_s3_speaks_through_eventbridge_too(kind: str, detail: dict[str, str], change: ObjectChange) -> None:
    thing = {"key": "a+b", "size": 1, "sequencer": "00A1"} | {
        name: said for name, said in detail.items() if "-id" in name
    }
    said = {"bucket": {"name": "ingest"}, "object": thing} | detail
    assert one(event(kind, said, source="aws.s3")) == change
    assert read_events(event("Object Tags Added", said, source="aws.s3")) == []


def test_only_s3_itself_speaks_of_objects() -> None:
    with pytest.raises(UnreadableMessage, match="Object Created"):
        read_events(
            event("Object Created", {"bucket": {"name": "ingest"}, "object": {"key": "acme/docs/a", "sequencer": "1"}})
        )
    with pytest.raises(UnreadableMessage, match="not S3"):
        read_events({"Records": [record() | {"eventSource": "aws:sns"}]})


def test_an_application_asks_for_a_store() -> None:
    body = {"name": "docs", "file_ids": ["file-1"], "metadata": {"a": "b"}}
    assert one(event(CREATE, body)) == CreateRequested(event_id="6a7e8feb-b491", source="crm", body=body)


def test_an_application_asks_for_an_attachment() -> None:
    detail = {"file_id": "file-1", "name": "docs", "attributes": {"n": 1}, "chunking_strategy": {"type": "auto"}}
    assert one(event(ATTACH, detail)) == AttachRequested(
        event_id="6a7e8feb-b491",
        source="crm",
        file_id="file-1",
        name="docs",
        attributes={"n": 1},
        chunking_strategy={"type": "auto"},
    )


@pytest.mark.parametrize("field", FORGED)
@pytest.mark.parametrize(
    ("kind", "detail"), [(CREATE, {"name": "docs"}), (ATTACH, {"file_id": "file-1", "name": "docs"})]
)
def test_no_event_can_name_a_team_a_key_or_a_provider(kind: str, detail: dict[str, str], field: str) -> None:
    with pytest.raises(UnreadableMessage, match=field):
        read_events(event(kind, {**detail, field: "other"}))


@pytest.mark.parametrize(
    "detail",
    [
        {"file_id": "file-1"},
        {"file_id": "file-1", "name": "docs", "vector_store_id": "vs_1"},
        {"name": "docs"},
        {"file_id": "../x", "name": "docs"},
        {"file_id": "file-1", "vector_store_id": "vs_1/files"},
        {"file_id": "file-1", "name": "a\nb"},
        {"file_id": "file-1", "name": "docs", "attributes": "x"},
        {"file_id": 1, "name": "docs"},
        "text",
    ],
)
def test_an_attachment_that_is_not_clear_is_refused(detail: object) -> None:
    with pytest.raises(UnreadableMessage):
        read_events(event(ATTACH, detail))


WATCH = IndexingReminder(
    team="red",
    vector_store_id="vs_1",
    batch_id="vsfb_1",
    files={"file-1": ObjectLocation("ingest", 'acme/docs/ü ["].txt'), "file-2": "6a7e8feb-b491"},
    round=3,
)


@pytest.mark.parametrize("batch_id", ["vsfb_1", None])
def test_a_reminder_comes_back_as_it_was_sent(batch_id: str | None) -> None:
    sent = IndexingReminder(team="red", vector_store_id="vs_1", batch_id=batch_id, files=WATCH.files, round=3)
    assert one(json.loads(json.dumps(write_reminder(sent)))) == sent


@pytest.mark.parametrize("field", sorted(write_reminder(WATCH)))
def test_a_reminder_is_exactly_what_we_write(field: str) -> None:
    body = write_reminder(WATCH)
    for wrong in ({**body, field: {"x": 1}}, {**body, field: True}, {**body, "more": 1}):
        with pytest.raises(UnreadableMessage):
            read_events(wrong)


def test_an_event_cannot_pose_as_a_reminder() -> None:
    with pytest.raises(UnreadableMessage, match="reminder"):
        read_events(event(CREATE, {}) | write_reminder(WATCH))
    with pytest.raises(UnreadableMessage, match="unknown field"):
        read_events(event(CREATE, write_reminder(WATCH)))


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        "x",
        {},
        {"Records": {}},
        {"Records": [1]},
        {"Records": [record(sequencer=None)]},
        {"Records": [record(sequencer="xyz")]},
        {"Records": [record(sequencer="0" * 65)]},
        {"Records": [record(key="")]},
        {"Records": [record(versionId="a\nb")]},
        event("Something Else", {}),
        event(CREATE, {}, source=""),
        event(CREATE, {}, source="a#b"),
        event(CREATE, {}, id=None),
    ],
)
def test_what_means_nothing_is_set_aside_with_a_reason(body: object) -> None:
    with pytest.raises(UnreadableMessage) as refusal:
        read_events(body)
    assert str(refusal.value)


@given(JSON | st.builds(lambda inner: {"Records": [inner]}, JSON) | st.builds(lambda inner: event(ATTACH, inner), JSON))
def test_whatever_comes_is_read_or_refused(body: object) -> None:
    try:
        notices = read_events(body)
    except UnreadableMessage as error:
        reason = str(error)
    else:
        reason = "" if isinstance(notices, list) else "x" * 501
    assert len(reason) <= 500
