"""Rows of objects keep the names that the first release stored them under."""

from __future__ import annotations

from typing import Any, Final

from vectorgate.ids import ObjectId
from vectorgate.ingest.model import ObjectLocation, ObjectRow

ROW: Final = ObjectRow(
    location=ObjectLocation("ingest", "acme/docs/a.txt"),
    revision=3,
    sequencer="0055AED6DCD90281E5",
    version="v1",
    deleted=True,
    team="red",
    vector_store_id=ObjectId("vs_1"),
    file_id=ObjectId("file-1"),
    attempted=1_772_600_767,
    attached=True,
    batch_id="vsfb_1",
    reported=True,
    obsolete=(ObjectId("file-0"),),
    unresolved_uploads=("ingest-0",),
)
STORED: Final[dict[str, Any]] = {
    "place": {"bucket": "ingest", "key": "acme/docs/a.txt"},
    "revision": 3,
    "sequencer": "0055AED6DCD90281E5",
    "version": "v1",
    "gone": True,
    "team": "red",
    "vector_store_id": "vs_1",
    "file_id": "file-1",
    "attempted": 1_772_600_767,
    "attached": True,
    "batch_id": "vsfb_1",
    "reported": True,
    "obsolete": ("file-0",),
    "loose": ("ingest-0",),
}


def test_a_row_is_written_under_its_stored_names() -> None:
    assert ROW.to_record() == STORED
    assert list(ROW.to_record()) == list(STORED)


def test_a_stored_row_is_read_with_lists_for_tuples_and_unknown_names_ignored() -> None:
    lists = {name: list(value) if isinstance(value, tuple) else value for name, value in STORED.items()}
    assert ObjectRow.from_record(lists | {"PK": "a key of the table"}) == ROW
