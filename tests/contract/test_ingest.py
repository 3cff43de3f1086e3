"""The port of ingestion, on every engine."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from vectorgate.ids import ObjectId
from vectorgate.ingest.model import ObjectLocation, ObjectRow
from vectorgate.store_errors import StateConflict, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.contract.backends import Backend
    from vectorgate.ingest.ports import IngestStore

PLACE = ObjectLocation("bucket", "acme/handbook/2026/Überblick #1 + 2.pdf")
VS1, VS2, VS3 = (ObjectId(f"vs_{number}") for number in range(3))
WINDOW, NEXT = 1_772_600_765, 1_772_600_770
FULL = ObjectRow(
    location=PLACE,
    revision=1,
    sequencer="0055AED6DCD90281E5",
    version="3HL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY",
    team="red # team",
    vector_store_id=VS1,
    file_id=ObjectId("file-1"),
    attempted=1_772_600_767,
    attached=True,
    batch_id="",
    reported=True,
    obsolete=(ObjectId("file-0"), ObjectId("file-2")),
    unresolved_uploads=("ingest-0", "ingest-1"),
)


def bare(**fields: object) -> ObjectRow:
    values: dict[str, object] = {"location": PLACE, "revision": 1, "sequencer": "A0", "team": "red"}
    return ObjectRow(**(values | fields))  # type: ignore[arg-type]


@pytest.fixture
def rows(stores: Backend) -> IngestStore:
    return stores.ingest


@pytest.mark.parametrize(
    "row", [FULL, bare(), bare(deleted=True, obsolete=(ObjectId("file-1"),))], ids=["full", "bare", "gone"]
)
def test_a_row_comes_back_as_it_was(rows: IngestStore, row: ObjectRow) -> None:
    assert rows.object_row(PLACE) is None
    rows.put_object_row(row)
    assert rows.object_row(PLACE) == row
    assert rows.object_row(ObjectLocation("other", PLACE.key)) is None


def test_of_two_that_read_the_same_row_one_writes_the_next(rows: IngestStore) -> None:
    rows.put_object_row(bare())
    with pytest.raises(StateConflict):
        rows.put_object_row(bare(sequencer="B0"))
    second = bare(revision=2, sequencer="C0")
    rows.put_object_row(second)
    for revision in (2, 4):
        with pytest.raises(StateConflict):
            rows.put_object_row(bare(revision=revision))
    assert rows.object_row(PLACE) == second


def test_a_row_that_was_never_there_is_not_followed(rows: IngestStore) -> None:
    with pytest.raises(StateConflict):
        rows.put_object_row(bare(revision=2))
    assert rows.object_row(PLACE) is None


def test_places_whose_parts_read_alike_together_are_apart(rows: IngestStore) -> None:
    first, second = (
        bare(location=ObjectLocation("ab", "c/d")),
        bare(location=ObjectLocation("a", "bc/d"), sequencer="B0"),
    )
    rows.put_object_row(first)
    rows.put_object_row(second)
    assert (rows.object_row(first.location), rows.object_row(second.location)) == (first, second)


@pytest.mark.parametrize(
    "place",
    [ObjectLocation("", "k"), ObjectLocation("b", ""), ObjectLocation("b", "\ud800")],
    ids=["no bucket", "no key", "surrogate"],
)
def test_a_place_that_is_none_is_refused(rows: IngestStore, place: ObjectLocation) -> None:
    with pytest.raises(ValueError, match="not a"):
        rows.object_row(place)
    with pytest.raises(ValueError, match="not a"):
        rows.put_object_row(bare(location=place))


def test_a_name_is_given_once_and_then_only_in_place_of_what_it_meant(rows: IngestStore) -> None:
    assert rows.named_store("red", "docs") is None
    rows.name_store("red", "docs", VS1, replacing=None)
    with pytest.raises(StateConflict):
        rows.name_store("red", "docs", VS2, replacing=None)
    with pytest.raises(StateConflict):
        rows.name_store("red", "docs", VS3, replacing=VS2)
    rows.name_store("red", "docs", VS2, replacing=VS1)
    assert rows.named_store("red", "docs") == VS2


def test_names_are_a_teams_own(rows: IngestStore) -> None:
    rows.name_store("red", "docs", VS1, replacing=None)
    rows.name_store("redd", "ocs", VS2, replacing=None)
    assert rows.named_store("blue", "docs") is None
    assert (rows.named_store("red", "docs"), rows.named_store("redd", "ocs")) == (VS1, VS2)


def test_a_name_that_nobody_gave_is_not_replaced(rows: IngestStore) -> None:
    with pytest.raises(StateConflict):
        rows.name_store("red", "docs", VS2, replacing=VS1)
    assert rows.named_store("red", "docs") is None


@pytest.mark.parametrize("name", ["", "a#b", "a\nb", "x" * 257])
def test_what_is_no_name_is_refused(rows: IngestStore, name: str) -> None:
    for team, called in (("red", name), (name, "docs")):
        with pytest.raises(ValueError, match="not a label"):
            rows.named_store(team, called)
        with pytest.raises(ValueError, match="not a label"):
            rows.name_store(team, called, VS1, replacing=None)


@pytest.mark.parametrize("store_id", ["", "a#b", "vs/1"])
def test_what_is_no_id_is_refused(rows: IngestStore, store_id: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        rows.admit(ObjectId(store_id), WINDOW, limit=1)
    with pytest.raises(ValueError, match="not an id"):
        rows.name_store("red", "docs", ObjectId(store_id), replacing=None)


def test_no_more_are_admitted_in_a_window_than_allowed(rows: IngestStore) -> None:
    assert [rows.admit(VS1, WINDOW, limit=3) for _ in range(5)] == [True, True, True, False, False]
    assert rows.admit(VS2, WINDOW, limit=3)
    assert [rows.admit(VS1, NEXT, limit=1) for _ in range(2)] == [True, False]
    assert not rows.admit(VS1, WINDOW, limit=3), "who comes late still counts where he began"
    assert not rows.admit(VS3, WINDOW, limit=0)


def test_no_more_are_admitted_at_once_than_allowed(stores: Backend) -> None:
    admitted: list[bool] = []

    def ask() -> None:
        for _ in range(4):
            admitted.append(stores.ingest.admit(VS1, WINDOW, limit=10))  # noqa: PERF401 - from several threads

    with stores.one_at_a_time():
        threads = [threading.Thread(target=ask) for _ in range(5)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (len(admitted), sum(admitted)) == (20, 10)


WRITES: dict[str, Callable[[IngestStore], object]] = {
    "row": lambda rows: rows.put_object_row(bare()),
    "name": lambda rows: rows.name_store("red", "docs", VS1, replacing=None),
    "admit": lambda rows: rows.admit(VS1, WINDOW, limit=1),
}


@pytest.mark.parametrize("write", WRITES)
def test_a_lost_request_wrote_nothing(stores: Backend, write: str) -> None:
    with stores.lost(written=False), pytest.raises(StoreUnavailable):
        WRITES[write](stores.ingest)
    WRITES[write](stores.ingest)


@pytest.mark.parametrize("write", WRITES)
def test_a_lost_answer_leaves_what_was_written(stores: Backend, write: str) -> None:
    with stores.lost(written=True), pytest.raises(StoreUnavailable):
        WRITES[write](stores.ingest)
    assert stores.ingest.object_row(PLACE) == (bare() if write == "row" else None)
    assert stores.ingest.named_store("red", "docs") == (VS1 if write == "name" else None)
    assert stores.ingest.admit(VS1, WINDOW, limit=1) is (write != "admit")


READS: dict[str, Callable[[IngestStore], object]] = {
    "row": lambda rows: rows.object_row(PLACE),
    "name": lambda rows: rows.named_store("red", "docs"),
}


@pytest.mark.parametrize("read", READS)
def test_reads_of_an_engine_that_is_away_are_unavailable(stores: Backend, read: str) -> None:
    with stores.lost(written=False), pytest.raises(StoreUnavailable):
        READS[read](stores.ingest)


def test_a_row_is_replaced_whole(rows: IngestStore) -> None:
    rows.put_object_row(FULL)
    rows.put_object_row(bare(revision=2))
    assert rows.object_row(PLACE) == replace(bare(), revision=2)
