"""What an ownership row keeps of the provider's description."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.factories.ledger import BLUE, OPENAI, RED, STORE, answered, begun, own, ref
from vectorgate.ids import ObjectKind
from vectorgate.ledger.entry import State
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from tests.harnesses.store_backends import Backend
    from vectorgate.tenancy.ownership import Ownership


def give(stores: Backend, *rows: Ownership) -> None:
    """Write ownership, with an operation's row."""
    stores.ledger.begin(begun())
    stores.ledger.advance(answered(begun()), since=State.STARTED, owned=rows)


def test_what_an_open_row_made_is_owned_and_listed_before_the_row_is_answered(stores: Backend) -> None:
    row = own(ref(), operation_id=begun().id, end_user="ü")
    stores.ledger.begin(begun())
    for again in (row, replace(row, operation_id=begun(2).id)):
        stores.ledger.own(again)  # the second time, of the same tenant: the row stays as it is
        assert stores.ownership.owners([row.ref]) == {row.ref: row}
    assert list(stores.ownership.owned_by(RED, OPENAI, STORE, start=None, ascending=True, limit=9)) == [row]
    with pytest.raises(StateConflict):
        stores.ledger.own(replace(row, tenant=BLUE))
    assert stores.ownership.owners([row.ref]) == {row.ref: row}
    stores.ledger.advance(answered(begun()), since=State.STARTED, owned=[row])
    assert stores.ownership.owners([row.ref]) == {row.ref: row}
    with pytest.raises(ValueError, match="not an id"):
        stores.ledger.own(own(ref("a#b")))


def test_a_snapshot_is_replaced_in_the_row_and_in_the_list(stores: Backend) -> None:
    row = own(ref(), snapshot='{"name":"a"}', end_user="ü")
    give(stores, row)
    for snapshot in ('{"name":"\\u00fc"}', "{}"):
        stores.ownership.keep_snapshot(row.ref, RED, snapshot)
        changed = replace(row, snapshot=snapshot)
        assert stores.ownership.owners([row.ref]) == {row.ref: changed}
        assert list(stores.ownership.owned_by(RED, OPENAI, STORE, start=None, ascending=True, limit=9)) == [changed]


def test_an_absent_a_foreign_and_a_deleted_objects_snapshot_stays_as_it_is(stores: Backend) -> None:
    foreign, deleted, other_kind = own(ref("b"), BLUE), own(ref("c"), retired_at=9), own(ref("d", ObjectKind.FILE))
    give(stores, foreign, deleted, other_kind)
    for name in ("a", "b", "c", "d"):
        stores.ownership.keep_snapshot(ref(name), RED, "{}")
    rows = [foreign, deleted, other_kind]
    assert stores.ownership.owners([ref("a"), *(row.ref for row in rows)]) == {row.ref: row for row in rows}


def test_a_snapshot_of_an_id_or_a_tenant_that_cannot_be_a_part_of_a_key_is_refused(stores: Backend) -> None:
    with pytest.raises(ValueError, match="not an id"):
        stores.ownership.keep_snapshot(ref("a#b"), RED, "{}")
    with pytest.raises(ValueError, match="not a label"):
        stores.ownership.keep_snapshot(ref(), "team:a#b", "{}")  # type: ignore[arg-type]
