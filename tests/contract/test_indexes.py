"""Virtual indexes, on every engine."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.harnesses.store_backends import Backend, DynamoBackend, SqliteBackend
from vectorgate.azure_search.model import VirtualIndex
from vectorgate.persistence.dynamodb import DynamoIndexes
from vectorgate.persistence.sqlite import SqliteIndexes
from vectorgate.store_errors import AlreadyExists, StoreUnavailable

if TYPE_CHECKING:
    from vectorgate.azure_search.ports import IndexStore

INDEX = VirtualIndex(name="Dall-E_4", real_name="real-index-2", vector_store_name="azure ai séarch", created_at=2**33)


@pytest.fixture
def indexes(stores: Backend) -> IndexStore:
    if isinstance(stores, SqliteBackend):
        return SqliteIndexes(stores.database)
    assert isinstance(stores, DynamoBackend)
    return DynamoIndexes(stores.table)


def test_an_index_is_read_back_as_it_was_added(indexes: IndexStore) -> None:
    indexes.add_index(INDEX)
    assert indexes.indexes([INDEX.name, "absent", INDEX.name]) == {INDEX.name: INDEX}
    assert indexes.indexes([]) == {}
    assert indexes.indexes(["dall-e_4"]) == {}


def test_a_name_is_given_once(indexes: IndexStore) -> None:
    indexes.add_index(INDEX)
    with pytest.raises(AlreadyExists):
        indexes.add_index(replace(INDEX, real_name="another"))
    assert indexes.indexes([INDEX.name]) == {INDEX.name: INDEX}


def test_an_index_is_deleted_once_and_its_name_may_be_given_again(indexes: IndexStore) -> None:
    indexes.add_index(INDEX)
    assert indexes.delete_index(INDEX.name)
    assert not indexes.delete_index(INDEX.name)
    assert indexes.indexes([INDEX.name]) == {}
    assert list(indexes.all_indexes()) == []
    indexes.add_index(replace(INDEX, real_name="another"))
    assert indexes.indexes([INDEX.name])[INDEX.name].real_name == "another"


def test_all_are_listed_by_name_and_many_are_read_at_once(indexes: IndexStore) -> None:
    names = [f"i{number:03d}" for number in range(130)]
    rows = [replace(INDEX, name=name) for name in names]
    for row in reversed(rows):
        indexes.add_index(row)
    assert list(indexes.all_indexes()) == rows
    assert indexes.indexes(names) == dict(zip(names, rows, strict=True))


@pytest.mark.parametrize("bad", ["a#b", "", "a/b", "a b", "ü", "x" * 129, "a\n"])
def test_a_name_that_cannot_be_a_part_of_a_key_is_refused(indexes: IndexStore, bad: str) -> None:
    for attempt in (
        lambda: indexes.indexes([bad]),
        lambda: indexes.delete_index(bad),
        lambda: indexes.add_index(replace(INDEX, name=bad)),
        lambda: indexes.add_index(replace(INDEX, real_name=bad)),
    ):
        with pytest.raises(ValueError, match="not an id"):
            attempt()


def test_an_engine_that_cannot_be_reached_is_unavailable(stores: Backend, indexes: IndexStore) -> None:
    with stores.failing_requests(written=False):
        with pytest.raises(StoreUnavailable):
            indexes.indexes([INDEX.name])
        with pytest.raises(StoreUnavailable):
            indexes.add_index(INDEX)
    assert indexes.indexes([INDEX.name]) == {}
