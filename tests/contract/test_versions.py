"""Rows without a version, from before versions existed: they count as the first, and are replaced like any other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.factories.ledger import KEY
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.persistence.dynamodb.budgets import limit_key
from vectorgate.persistence.dynamodb.schema import virtual_key_key
from vectorgate.persistence.sqlite import Database, SqliteBudgets
from vectorgate.persistence.sqlite.database import MIGRATIONS
from vectorgate.pricing.money import NanoUSD
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harnesses.store_backends import DynamoBackend, SqliteBackend

OLD_KEY = VirtualKey(id=KEY, created_at=5, alias="old")
RED = Subject(BudgetScope.TEAM, "red")
OLD_LIMIT = Limit(since=5, max_budget=NanoUSD(7))


def test_a_key_without_a_version_is_replaced_once_in_sqlite(sqlite: SqliteBackend) -> None:
    sqlite.keys.add_key(OLD_KEY)
    sqlite.database.change("UPDATE keys SET record = json_remove(record, '$.version')", ())
    _replaced_once(sqlite)


def test_rows_without_a_version_are_replaced_once_in_dynamodb(dynamo: DynamoBackend) -> None:
    dynamo.keys.add_key(OLD_KEY)
    dynamo.budgets.add_limit(RED, OLD_LIMIT)
    for key in (virtual_key_key(KEY), limit_key(RED)):
        names = {"#v": "version", "#b": "blocked"}
        dynamo.table.client.update_item(
            TableName=dynamo.table.name, Key=key, UpdateExpression="REMOVE #v, #b", ExpressionAttributeNames=names
        )
    _replaced_once(dynamo)
    assert dynamo.budgets.limits([RED]) == {RED: OLD_LIMIT}
    raised = replace(OLD_LIMIT, max_budget=NanoUSD(9), version=2)
    dynamo.budgets.replace_limit(RED, raised)
    with pytest.raises(StateConflict):
        dynamo.budgets.replace_limit(RED, replace(raised, blocked=True))
    assert dynamo.budgets.limits([RED]) == {RED: raised}


def _replaced_once(backend: SqliteBackend | DynamoBackend) -> None:
    assert backend.keys.key(KEY) == OLD_KEY
    blocked = replace(OLD_KEY, blocked=True, version=2)
    backend.keys.replace_key(blocked)
    with pytest.raises(StateConflict):
        backend.keys.replace_key(replace(blocked, alias="late"))
    assert backend.keys.key(KEY) == blocked


def test_a_limit_of_an_older_file_has_the_first_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path / "gate.db")
    (first,) = (place for place, script in enumerate(MIGRATIONS) if "ALTER TABLE limits ADD COLUMN alias" in script)
    with monkeypatch.context() as past:
        past.setattr("vectorgate.persistence.sqlite.database.MIGRATIONS", MIGRATIONS[:first])
        old = Database(path)
        old.change("INSERT INTO limits (scope, id, since, max_budget) VALUES ('team', 'red', 5, 7)", ())
        old.close()
    database = Database(path)
    budgets = SqliteBudgets(database)
    assert budgets.limits([RED]) == {RED: OLD_LIMIT}
    budgets.replace_limit(RED, replace(OLD_LIMIT, blocked=True, version=2))
    assert budgets.limits([RED]) == {RED: replace(OLD_LIMIT, blocked=True, version=2)}
    database.close()
