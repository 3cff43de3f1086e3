"""The log of local mode's database, which is copied to its file beside the calls."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from local import app
from local.options import Options
from tests.factories.ledger import begun
from tests.helpers.waiting import within
from vectorgate.persistence.sqlite import Database, SqliteLedger
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is, in a folder of its own."""
    (tmp_path / "home").mkdir()
    return tmp_path / "home" / "ledger.db"


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    """A database without rows."""
    database = Database(str(path))
    yield database
    database.close()


def rows_without_log(path: Path, table: str) -> int:
    """How many rows of a table the file has, read without its log."""
    alone = shutil.copy(path, path.parent.parent / "alone.db")
    with closing(sqlite3.connect(alone)) as connection:
        known = "SELECT count(*) FROM sqlite_master WHERE name = ?"
        if connection.execute(known, (table,)).fetchone() == (0,):
            return 0
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - the test's own


def test_a_checkpoint_brings_into_the_file_what_is_committed_while_a_transaction_is_open(
    database: Database, path: Path
) -> None:
    ledger = SqliteLedger(database)
    ledger.begin(begun(0))
    before = rows_without_log(path, "operations")
    with database.transaction():
        ledger.begin(begun(1))
        database.checkpoint()
    assert (before, rows_without_log(path, "operations")) == (0, 1)
    assert ledger.entry(begun(1).id) == begun(1)


def test_a_checkpoint_of_a_file_that_cannot_be_opened_is_store_unavailable(database: Database, path: Path) -> None:
    path.parent.rename(path.parent.with_name("elsewhere"))
    with pytest.raises(StoreUnavailable):
        database.checkpoint()


def test_local_mode_copies_the_log_without_a_call(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "CHECKPOINT_SECONDS", 0.05)
    secret = json.dumps({"base_url": "http://127.0.0.1:1/v1", "api_key": "sk-test"})
    mode = app.LocalMode(Options(database=path, secret=secret, master_key="sk-of-this-test-alone"))
    try:
        within(10, lambda: rows_without_log(path, "keys") == 1)
    finally:
        mode.close()
