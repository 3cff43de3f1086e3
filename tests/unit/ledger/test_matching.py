"""Which object came from which operation: the pure rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.factories.ledger import BLUE, T0, begun, operation_id
from vectorgate.ids import ObjectKind
from vectorgate.ledger.entry import Resolution
from vectorgate.ledger.fuzzy_fingerprint import fuzzy_fingerprint_of
from vectorgate.ledger.reconciliation.matching import CLOCK_SKEW_S, MAX_DELAY_S, MAX_REQUEST_S, match_list
from vectorgate.providers.openai import TAG

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


def test_a_tag_matches_whatever_the_time_and_the_name() -> None:
    tagged = begun(1)
    found = match_list([tagged], [thing("vs_a", 5, name="z", metadata={TAG: tagged.id})], STORE, T0)
    assert found.found[tagged.id][1] is Resolution.TAG


def test_an_object_with_another_operations_tag_is_not_matched_by_its_fingerprint() -> None:
    assert not match_list([row()], [thing("vs_a", metadata={TAG: operation_id(9)})], STORE, LATER).found


def test_equal_objects_of_one_tenant_are_assigned_by_time() -> None:
    rows = [row(1), row(0)]
    things = [thing("vs_late", T0 // 1000 + 1), thing("vs_early")]
    found = match_list(rows, things, STORE, LATER).found
    assert {key: document["id"] for key, (document, _) in found.items()} == {
        rows[0].id: "vs_late",
        rows[1].id: "vs_early",
    }


def test_fewer_objects_than_operations_are_the_first_ones() -> None:
    rows = [row(0), row(1)]
    assert list(match_list(rows, [thing("vs_a")], STORE, LATER).found) == [rows[0].id]


def test_more_objects_than_operations_or_two_tenants_are_ambiguous() -> None:
    assert match_list([row()], [thing("vs_a"), thing("vs_b")], STORE, LATER).ambiguous == {row().id}
    rows = [row(0), row(1, tenant=BLUE)]
    found = match_list(rows, [thing("vs_a")], STORE, LATER)
    assert found.ambiguous == {rows[0].id, rows[1].id}
    assert not found.found


def assigned_at(created_at: int) -> int:
    """The horizon (ms) from which an object is assigned by its fingerprint: rows that can have made it are older."""
    return (created_at + CLOCK_SKEW_S + 1) * 1000


def test_what_a_younger_row_can_have_made_is_not_matched_by_its_fingerprint() -> None:
    at = T0 // 1000
    assert match_list([row()], [thing("vs_a", at)], STORE, assigned_at(at)).found
    assert not match_list([row()], [thing("vs_a", at)], STORE, assigned_at(at) - 1).found


def test_an_object_that_is_too_young_to_be_assigned_leaves_its_row_undecided() -> None:
    at = T0 // 1000
    horizon_ms = assigned_at(at)
    assert match_list([row()], [thing("vs_a", at + 1)], STORE, horizon_ms).undecided == {row().id}
    assert not match_list([row()], [thing("vs_a", at)], STORE, horizon_ms).undecided
    assert not match_list([row()], [thing("vs_a", at + 1, name="y")], STORE, horizon_ms).undecided
    assert not match_list([row()], [thing("vs_a", at + MAX_REQUEST_S + MAX_DELAY_S + 1)], STORE, horizon_ms).undecided


def test_rows_whose_times_do_not_meet_do_not_contend() -> None:
    apart = (MAX_REQUEST_S + MAX_DELAY_S + CLOCK_SKEW_S + 1) * 1000
    rows = [row(0), row(0, tenant=BLUE).changed(id=operation_id(7), started_ms=T0 + apart)]
    found = match_list(rows, [thing("vs_a"), thing("vs_b", (T0 + apart) // 1000)], STORE, LATER)
    assert {document["id"] for document, _ in found.found.values()} == {"vs_a", "vs_b"}
    assert not found.ambiguous


def test_a_row_that_was_ambiguous_makes_rows_that_contend_with_it_ambiguous() -> None:
    rows = [row(0, found_by=Resolution.AMBIGUOUS), row(1)]
    assert match_list(rows, [thing("vs_a")], STORE, LATER).ambiguous == {rows[0].id, rows[1].id}


def test_the_window_is_a_request_and_the_clocks_difference() -> None:
    at = T0 // 1000
    for second, inside in [
        (at - CLOCK_SKEW_S - 1, False),
        (at - CLOCK_SKEW_S, True),
        (at + MAX_REQUEST_S + MAX_DELAY_S, True),
        (at + MAX_REQUEST_S + MAX_DELAY_S + 1, False),
    ]:
        assert bool(match_list([row()], [thing("vs_a", second)], STORE, LATER).found) is inside


def test_a_time_that_makes_no_sense_is_no_match() -> None:
    for moment in (None, "now", -5, 1.5):
        assert not match_list([row()], [thing("vs_a", created_at=moment)], STORE, LATER).found
