"""`vectorgate demo`, and the year that it writes."""

from __future__ import annotations

import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from local.demo_year.people import TEAMS
from local.demo_year.year import Year
from tests.helpers.memory_stores import memory_stores
from tests.integration.cli.conftest import run
from vectorgate.bootstrap import price_book
from vectorgate.budgets.model import Account, BudgetScope, Subject
from vectorgate.clock import Random
from vectorgate.ids import ProviderName
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import RecordQuery
from vectorgate.ledger.rollups import Scope
from vectorgate.persistence.sqlite import open_stores

if TYPE_CHECKING:
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.stores import Stores

NOW = 1_772_600_767  # 2026-03-04 05:06:07 UTC
MONTHS = ("2026-02", "2026-03")


def written(seed: int) -> tuple[Stores, list[LedgerEntry]]:
    """The stores and rows of eight days."""
    stores = memory_stores()
    year = Year(
        stores=stores,
        book=price_book(None),
        provider=ProviderName("openai"),
        randomness=Random(random.Random(seed).getrandbits),  # noqa: S311 - the same each time
        now=NOW,
        calls=200,
        days=8,
    )
    numbers = list(year.written())
    query = RecordQuery(start_ms=(NOW - 30 * 86_400) * 1_000, end_ms=(NOW + 86_400) * 1_000, limit=10_000)
    rows = list(stores.ledger.search(query))
    assert (len(numbers), numbers[-1]) == (8, len(rows))
    return stores, rows


def test_the_year_is_settled_counted_in_rollups_and_budgets_and_the_same_for_a_seed() -> None:
    stores, rows = written(1)
    assert {row.state for row in rows} == {State.SETTLED}
    assert max(row.started_ms for row in rows) < NOW * 1_000
    spent = [row for row in rows if row.team_id == "search"]
    sums = [sum(each.spend for each in stores.reports.rollups(Scope.TENANT, "team:search", month)) for month in MONTHS]
    assert sum(sums) == sum(row.spend or 0 for row in spent) > 0
    account = Account(Subject(BudgetScope.TEAM, "search"), "2026-03-01")
    march = sum(row.spend or 0 for row in spent if row.started_ms >= 1_772_323_200_000)
    assert stores.budgets.balances([account])[account].spent == march > 0
    assert {row.operation for row in rows} >= {"storage", "responses.create", "vector_stores.search"}
    assert {row.outcome for row in rows} == {"success", "failure"}
    assert [row.id for row in written(1)[1]] == [row.id for row in rows]


def test_the_command_writes_it_once_into_a_new_folder_of_a_clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = f"demo --home {tmp_path / 'home'} --days 2 --calls 10 --records-only"
    monkeypatch.chdir(tmp_path)
    assert run(line).code == 2
    monkeypatch.chdir(Path(__file__).parents[3])
    first = run(f"{line} --json")
    assert (first.code, first.json["days"], "make run" in first.err) == (0, 2, True)
    assert first.json["records"] > 10
    again = run(line)
    assert (again.code, "has keys and records" in again.err) == (1, True)


@pytest.mark.exhaustive
def test_the_teams_have_stores_of_today_with_the_records_of_making_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    assert run(f"demo --home {tmp_path} --days 2 --calls 0").code == 0
    stores = open_stores(str(tmp_path / "ledger.db"))
    now_ms = int(time.time() * 1_000)
    rows = stores.ledger.search(RecordQuery(start_ms=now_ms - 3_600_000, end_ms=now_ms, limit=1_000))
    stores.close()
    made = [str(row.team_id) for row in rows if row.operation == "vector_stores.create" and row.outcome == "success"]
    assert sorted(made) == sorted([*TEAMS] * 3)
