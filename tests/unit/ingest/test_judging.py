"""Keys and attributes: what is accepted, and how the rest is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vectorgate.ids import is_label
from vectorgate.ingest.attributes import file_attributes
from vectorgate.ingest.model import ObjectLocation, ObjectRow, PermanentFailureError, RetryLaterError, sequencer_order
from vectorgate.ingest.object_key import ObjectKey, is_folder_marker, parse_object_key
from vectorgate.ingest.object_rows import upload_key


def test_a_key_names_sender_store_and_file() -> None:
    assert parse_object_key('acme/hand book/2026/Über "uns"; + 1.pdf') == ObjectKey(
        "acme", "hand book", 'Über "uns"; + 1.pdf'
    )


@pytest.mark.parametrize(
    "key",
    [
        "",
        "a",
        "acme/a.txt",
        "/acme/docs/a",
        "acme//a",
        "acme/docs//a",
        "acme/docs/../../other/x/a",
        "../other/docs/a",
        "acme/./a",
        "acme/docs/..",
        "acme\\..\\other/docs/a",
        "acme/docs/a\0.txt",
        "acme/docs/a\nX-Injected: 1",
        "acme/docs/a\x85b",
        "acme/docs/\udcff",
        "acme/do#cs/a",
        "acme/" + "x" * 257 + "/a",
        "acme/docs/" + "ü" * 508,
    ],
    ids=repr,
)
def test_a_hostile_key_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(PermanentFailureError) as refusal:
        parse_object_key(key)
    assert len(refusal.value.reason) < 200
    assert len(key) < 12 or key not in refusal.value.reason


@given(st.text())
def test_what_is_accepted_is_safe_to_use(key: str) -> None:
    try:
        address = parse_object_key(key)
    except PermanentFailureError:
        return
    assert is_label(address.store)
    assert not {"", ".", ".."} & {address.sender, address.store, address.filename}
    assert address.filename.isprintable() or not any(character < " " for character in address.filename)


def test_what_ends_in_a_slash_is_a_folder() -> None:
    assert is_folder_marker("acme/docs/")
    assert not is_folder_marker("acme/docs/a")


def test_attributes_are_metadata_and_tags_and_nothing_else() -> None:
    assert file_attributes({"author": "Zoë"}, {"year": "2026"}) == {"author": "Zoë", "year": "2026"}
    assert file_attributes({"a": "1"}, {"a": "1"}) == {"a": "1"}
    assert file_attributes({}, {}) == {}


@pytest.mark.parametrize(
    ("metadata", "tags", "named"),
    [
        ({"a": "1"}, {"a": "2"}, "different values"),
        ({f"k{number}": "" for number in range(16)}, {"one": "more"}, "at most 16"),
        ({"k" * 65: "v"}, {}, "64"),
        ({}, {"k" * 128: "v"}, "64"),
        ({"k": "v" * 513}, {}, "512"),
        ({"k" * 10_000: "v" * 10_000}, {}, "64"),
        ({f"k{number}": "v" * 10_000 for number in range(1000)}, {}, "16"),
    ],
)
def test_what_a_file_cannot_have_is_refused_and_nothing_dropped(
    metadata: dict[str, str], tags: dict[str, str], named: str
) -> None:
    with pytest.raises(PermanentFailureError, match=named) as refusal:
        file_attributes(metadata, tags)
    assert len(refusal.value.reason) < 300


@pytest.mark.parametrize(
    ("earlier", "later"),
    [("1", "2"), ("0055AED6DCD90281E5", "0055AED6DCD90281E6"), ("0055AED6DCD9", "0055AED6DCD901"), ("0A", "b")],
)
def test_sequencers_are_ordered_as_s3_says(earlier: str, later: str) -> None:
    assert sequencer_order(earlier) < sequencer_order(later)


def test_a_shorter_sequencer_is_filled_up_on_the_right() -> None:
    assert sequencer_order("0055ae") == sequencer_order("0055AE00")


@pytest.mark.parametrize("text", ["", "xyz", "0" * 65])
def test_what_is_no_sequencer_has_no_order(text: str) -> None:
    with pytest.raises(ValueError, match=r"sequencer|literal"):
        sequencer_order(text)


def test_uploads_are_told_apart_by_bucket_key_version_and_sequencer() -> None:
    row = ObjectRow(location=ObjectLocation("b", "ck"), revision=1, sequencer="A0", team="red")
    others = [
        ObjectRow(location=ObjectLocation("bc", "k"), revision=1, sequencer="A0", team="red"),
        ObjectRow(location=ObjectLocation("b", "ck"), revision=1, sequencer="A1", team="red"),
        ObjectRow(location=ObjectLocation("b", "ck"), revision=1, sequencer="A0", version="v", team="red"),
    ]
    keys = {upload_key(each) for each in (row, *others)}
    assert len(keys) == 4
    assert all(key.isascii() and len(key) < 255 for key in keys)
    assert upload_key(row) == upload_key(ObjectRow(location=row.location, revision=7, sequencer="a000", team="blue"))


@pytest.mark.parametrize(("asked", "given"), [(0, 1), (0.2, 1), (30.1, 31), (86_400, 900)])
def test_a_pause_is_one_that_a_queue_can_make(asked: float, given: int) -> None:
    assert RetryLaterError(asked, "x").seconds == given
