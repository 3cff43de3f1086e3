"""Which object came from which operation: the pure rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.factories.ledger import BLUE, T0, begun, operation_id
from vectorgate.ids import ObjectKind
from vectorgate.ledger.correlation import TAG, fuzzy_fingerprint_of
from vectorgate.ledger.entry import Resolution
from vectorgate.ledger.reconciliation import LATE_S, LONGEST_S, SKEW_S, match_rows

if TYPE_CHECKING:
    from vectorgate.ledger.entry import LedgerEntry

STORE = ObjectKind.VECTOR_STORE
LATER = T0 + 3_600_000
LIKE = fuzzy_fingerprint_of(STORE, {"name": "x", "metadata": {}})


def thing(id_: str, at_s: int = T0 // 1000, **facts: Any) -> dict[str, Any]:
    """A store at the provider."""
    return {"id": id_, "object": "vector_store", "created_at": at_s, "name": "x", "metadata": {}} | facts


def row(number: int = 0, **fields: Any) -> LedgerEntry:
    """An open create that carries no tag."""
    return begun(number * 1000, **({"fuzzy_fingerprint": LIKE} | fields))


def test_a_tag_tells_whatever_the_time_and_the_name() -> None:
    tagged = begun(1)
    found = match_rows([tagged], [thing("vs_a", 5, name="z", metadata={TAG: tagged.id})], STORE, T0)
    assert found.found[tagged.id][1] is Resolution.TAG


def test_a_tag_of_another_operation_is_no_likeness() -> None:
    assert not match_rows([row()], [thing("vs_a", metadata={TAG: operation_id(9)})], STORE, LATER).found


def test_alike_objects_of_one_tenant_are_shared_out_by_time() -> None:
    rows = [row(1), row(0)]
    things = [thing("vs_late", T0 // 1000 + 1), thing("vs_early")]
    found = match_rows(rows, things, STORE, LATER).found
    assert {key: document["id"] for key, (document, _) in found.items()} == {
        rows[0].id: "vs_late",
        rows[1].id: "vs_early",
    }


def test_fewer_objects_than_operations_are_the_first_ones() -> None:
    rows = [row(0), row(1)]
    assert list(match_rows(rows, [thing("vs_a")], STORE, LATER).found) == [rows[0].id]


def test_more_objects_than_operations_or_two_tenants_are_ambiguous() -> None:
    assert match_rows([row()], [thing("vs_a"), thing("vs_b")], STORE, LATER).ambiguous == {row().id}
    rows = [row(0), row(1, tenant=BLUE)]
    found = match_rows(rows, [thing("vs_a")], STORE, LATER)
    assert found.ambiguous == {rows[0].id, rows[1].id}
    assert not found.found


def told_at(created_at: int) -> int:
    """From when on (ms) an object is told by likeness: every row that could have made it is old enough by then."""
    return (created_at + SKEW_S + 1) * 1000


def test_what_a_younger_row_could_have_made_is_not_told_by_likeness() -> None:
    at = T0 // 1000
    assert match_rows([row()], [thing("vs_a", at)], STORE, told_at(at)).found
    assert not match_rows([row()], [thing("vs_a", at)], STORE, told_at(at) - 1).found


def test_what_may_be_a_rows_and_is_too_young_to_tell_leaves_the_row_undecided() -> None:
    at = T0 // 1000
    horizon_ms = told_at(at)
    assert match_rows([row()], [thing("vs_a", at + 1)], STORE, horizon_ms).undecided == {row().id}
    assert not match_rows([row()], [thing("vs_a", at)], STORE, horizon_ms).undecided
    assert not match_rows([row()], [thing("vs_a", at + 1, name="y")], STORE, horizon_ms).undecided
    assert not match_rows([row()], [thing("vs_a", at + LONGEST_S + LATE_S + 1)], STORE, horizon_ms).undecided


def test_rows_whose_times_do_not_meet_do_not_contend() -> None:
    apart = (LONGEST_S + LATE_S + SKEW_S + 1) * 1000
    rows = [row(0), row(0, tenant=BLUE).changed(id=operation_id(7), started_ms=T0 + apart)]
    found = match_rows(rows, [thing("vs_a"), thing("vs_b", (T0 + apart) // 1000)], STORE, LATER)
    assert {document["id"] for document, _ in found.found.values()} == {"vs_a", "vs_b"}
    assert not found.ambiguous


def test_what_was_ambiguous_once_makes_ambiguous_whoever_meets_it() -> None:
    rows = [row(0, found_by=Resolution.AMBIGUOUS), row(1)]
    assert match_rows(rows, [thing("vs_a")], STORE, LATER).ambiguous == {rows[0].id, rows[1].id}


def test_the_window_is_a_request_and_the_clocks_difference() -> None:
    at = T0 // 1000
    for second, inside in [
        (at - SKEW_S - 1, False),
        (at - SKEW_S, True),
        (at + LONGEST_S + LATE_S, True),
        (at + LONGEST_S + LATE_S + 1, False),
    ]:
        assert bool(match_rows([row()], [thing("vs_a", second)], STORE, LATER).found) is inside


def test_a_time_that_makes_no_sense_is_no_match() -> None:
    for moment in (None, "now", -5, 1.5):
        assert not match_rows([row()], [thing("vs_a", created_at=moment)], STORE, LATER).found
