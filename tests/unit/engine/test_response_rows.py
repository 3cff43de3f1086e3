"""Responses are found by indexes, however many are kept."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from engine.adapters.sqlite import responses
from engine.adapters.sqlite.schema import SCHEMA

STATEMENTS = {name: text for name, text in vars(responses).items() if isinstance(text, str) and "WHERE" in text}


@pytest.mark.parametrize("name", STATEMENTS)
def test_no_statement_reads_every_row(name: str) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(SCHEMA)
        values = [1] * STATEMENTS[name].count("?")
        steps = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {STATEMENTS[name]}", values)]
    assert steps
    assert not [step for step in steps if step.startswith("SCAN")]
