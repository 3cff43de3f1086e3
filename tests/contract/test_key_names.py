"""Names of keys: what a write claims is no other key's, until the holder's row is gone or has another name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.ledger import KEY, OTHER_KEY
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.store_errors import AlreadyExists, NameTaken, StateConflict

if TYPE_CHECKING:
    from tests.harnesses.store_backends import Backend, MotoBackend

ALL, RED, BLUE = (letter * 64 for letter in "abc")  # a name's claims, within all keys and within a team's
FIRST = VirtualKey(id=KEY, created_at=5, alias="prod")
SECOND = replace(FIRST, id=OTHER_KEY)


def test_a_name_is_one_key_s_within_each_group_and_what_is_refused_writes_nothing(stores: Backend) -> None:
    stores.keys.add_key(FIRST, claims=(RED, ALL))
    for claims in ((ALL,), (BLUE, ALL), (RED,)):
        with pytest.raises(NameTaken):
            stores.keys.add_key(SECOND, claims=claims)
    assert stores.keys.key(SECOND.id) is None
    stores.keys.add_key(SECOND, claims=(BLUE,))
    with pytest.raises(NameTaken):
        stores.keys.replace_key(replace(SECOND, blocked=True, version=2), claims=(RED,))
    assert stores.keys.key(SECOND.id) == SECOND
    assert {row.id for row in stores.keys.all_keys()} == {FIRST.id, SECOND.id}


def test_a_key_may_claim_its_own_name_again_and_its_row_s_own_conditions_hold(stores: Backend) -> None:
    stores.keys.add_key(FIRST, claims=(ALL,))
    with pytest.raises(AlreadyExists):
        stores.keys.add_key(FIRST, claims=(ALL,))
    again = replace(FIRST, blocked=True, version=2)
    stores.keys.replace_key(again, claims=(ALL,))
    with pytest.raises(StateConflict):
        stores.keys.replace_key(again, claims=(ALL,))
    with pytest.raises(StateConflict):
        stores.keys.replace_key(replace(SECOND, version=2), claims=(BLUE,))
    assert stores.keys.key(FIRST.id) == again


def test_a_name_is_free_when_its_key_is_deleted_or_has_another_one(stores: Backend) -> None:
    stores.keys.add_key(FIRST, claims=(RED, ALL))
    stores.keys.replace_key(replace(FIRST, alias="test", version=2), claims=(BLUE,))
    stores.keys.add_key(SECOND, claims=(RED, ALL))
    with pytest.raises(NameTaken):
        stores.keys.replace_key(replace(FIRST, version=3), claims=(RED, ALL))
    assert stores.keys.delete_key(SECOND.id)
    stores.keys.replace_key(replace(FIRST, version=3), claims=(RED, ALL))
    assert stores.keys.key(FIRST.id) == replace(FIRST, version=3)


def test_a_name_that_its_key_claims_anew_is_not_taken_by_the_one_that_found_it_free(
    dynamo: MotoBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    dynamo.keys.add_key(FIRST, claims=(ALL,))
    dynamo.keys.replace_key(replace(FIRST, alias=None, version=2))
    read, back = dynamo.table.get, iter([replace(FIRST, version=3)])

    def get(key: Any) -> Any:
        item = read(key)
        if key["PK"] == {"S": f"KEY#{KEY}"} and (row := next(back, None)) is not None:
            dynamo.keys.replace_key(row, claims=(ALL,))  # after the row was read, before the name is taken
        return item

    monkeypatch.setattr(dynamo.table, "get", get)
    with pytest.raises(NameTaken):
        dynamo.keys.add_key(SECOND, claims=(ALL,))
    assert dynamo.keys.key(SECOND.id) is None
