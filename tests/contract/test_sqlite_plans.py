"""No statement on SQLite reads a whole table that grows with use."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import TYPE_CHECKING, cast

import pytest

import vectorgate.persistence.sqlite
from vectorgate.persistence.sqlite import open_stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.persistence.sqlite import SqliteLedger

# The administrator's lists of keys and of virtual index names, a row for each destination of exports,
# and the newest dead letters, up to a limit.
WHOLE = {"readers._ALL_KEYS", "indexes._ALL", "exports._CHOSEN", "exports._PRUNE", "exports._DEAD"}


def statements() -> Iterator[tuple[str, str]]:
    """Yield every constant that is a statement which reads or finds rows, with its module and name."""
    for module in pkgutil.iter_modules(vectorgate.persistence.sqlite.__path__):
        found = vars(importlib.import_module(f"vectorgate.persistence.sqlite.{module.name}"))
        for name, value in found.items():
            if isinstance(value, str) and re.match(r"\s*(SELECT|UPDATE|DELETE)\b", value):
                yield f"{module.name}.{name}", value


@pytest.mark.parametrize(("name", "statement"), list(statements()), ids=[name for name, _ in statements()])
def test_every_statement_walks_along_an_index(name: str, statement: str) -> None:
    stores = open_stores()
    named = dict.fromkeys(re.findall(r":(\w+)", statement))
    values = named or (None,) * statement.count("?")
    plan = cast("SqliteLedger", stores.ledger)._database.rows(f"EXPLAIN QUERY PLAN {statement}", values)
    stores.close()
    scans = [step for *_, step in plan if step.startswith("SCAN")]
    if name not in WHOLE:
        assert scans == []
    assert not [step for *_, step in plan if "TEMP B-TREE" in step]


def test_what_is_open_is_found_without_what_is_not() -> None:
    stores = open_stores()
    rows = cast("SqliteLedger", stores.ledger)._database.rows
    for state in ("started", "uncertain", "answered"):
        statement = f"SELECT id FROM operations WHERE state = '{state}' AND started_ms < ? ORDER BY started_ms, id"  # noqa: S608
        ((*_, step),) = rows(f"EXPLAIN QUERY PLAN {statement}", (1,))
        assert f"operations_{state}" in step
    stores.close()
