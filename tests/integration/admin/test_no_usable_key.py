"""A copy of the table, the audit, the logs and the errors hold no key that opens anything."""

from __future__ import annotations

import json
import logging
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from moto import mock_aws

from tests.factories.secrets import MASTER_KEY
from tests.harnesses.admin import AdminHarness
from tests.harnesses.store_backends import MotoBackend
from vectorgate.persistence.dynamodb import stores_of
from vectorgate.persistence.sqlite import open_stores

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def lives(admin: AdminHarness) -> tuple[list[str], list[str]]:
    """The secrets of every kind of key, whatever became of it, and the text of every answer but those that show one."""
    secrets: list[str] = [MASTER_KEY]
    answers: list[str] = []

    def ask(method: str, path: str, body: Any = None, *, by: str = MASTER_KEY, **query: str) -> Any:
        status, document = admin.ask(method, path, body, by=by, **query)
        if isinstance(document, dict) and status == 200 and str(document.get("key", "")).startswith("sk-"):
            secrets.append(document.pop("key"))
        answers.append(json.dumps(document))
        return document

    ask("POST", "/team/new", {"team_id": "red"})
    ask("POST", "/user/new", {"user_id": "ann", "team_id": "red"})
    for role in ({"role": "admin", "key_alias": "ops", "duration": "1d"}, {"role": "team_admin", "team_id": "red"}):
        ask("POST", "/key/generate", role)
    key = secrets[1]
    for path, body in (
        ("/key/update", {"key": key, "max_budget": 5}),
        ("/key/regenerate", {"key": key, "grace_period": "1h"}),
        ("/key/block", {"key": key}),
        ("/key/generate", {"key": key}),  # an unknown field
        ("/key/update", {"key": key + "x"}),
        ("/key/update", {"key": key, "duration": key}),
        ("/key/delete", {"keys": [secrets[2]]}),
        ("/team/delete", {"team_ids": ["red"]}),
    ):
        ask("POST", path, body)
    for path, query in (("/audit", {}), ("/key/list", {"return_full_object": "true"}), ("/key/info", {"key": key})):
        ask("GET", path, **query)
    for by in secrets[1:]:
        ask("GET", "/nowhere", by=by)
    return secrets, answers


def found(secrets: list[str], text: str) -> list[str]:
    """The secrets of which a usable part is in a text: any 16 characters of one."""
    return [each for each in secrets if any(each[at : at + 16] in text for at in range(len(each) - 15))]


def test_neither_an_sqlite_file_nor_answers_nor_logs_hold_a_usable_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "gate.db"
    stores = open_stores(str(path))
    with caplog.at_level(logging.DEBUG):
        secrets, answers = lives(AdminHarness(stores))
    stores.close()
    with closing(sqlite3.connect(path)) as connection:
        dump = "\n".join(connection.iterdump())
    raw = b"".join(each.read_bytes() for each in tmp_path.iterdir()).decode("latin-1")
    assert len(secrets) == 5
    assert "ops" in dump
    assert found(secrets, dump + raw) == found(secrets, "\n".join(answers)) == found(secrets, caplog.text) == []


def test_no_item_of_a_dynamodb_table_holds_a_usable_key() -> None:
    with mock_aws():
        backend = MotoBackend()
        secrets, _ = lives(AdminHarness(stores_of(backend.table)))
        pages = backend.table.client.get_paginator("scan").paginate(TableName=backend.table.name)
        dump = json.dumps([item for page in pages for item in page["Items"]])
    assert "AUDIT#" in dump
    assert found(secrets, dump) == []
