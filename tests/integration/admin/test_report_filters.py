"""Reports refuse filters that no record can match, bound how many there are, and tell a team nothing of another."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.integration.admin.test_daily_reports import WINDOW
from tests.integration.admin.test_organization_reports import KEYS, Month
from vectorgate.admin.reports.csv_file import csv_text
from vectorgate.admin.reports.parameters import MAX_VALUES

SINCE = {"start_time": "1770000000"}
# Each filter whose values become a part of a key, by the routes that have it.
NAMES: list[tuple[str, str, dict[str, str]]] = [
    ("/v1/organization/costs", "project_ids", SINCE),
    ("/v1/organization/usage/vector_stores", "project_ids", SINCE),
    ("/v1/organization/usage/file_search_calls", "project_ids", SINCE),
    ("/v1/organization/usage/file_search_calls", "vector_store_ids", SINCE),
    ("/v1/organization/usage/completions", "project_ids", SINCE),
    *((f"/team/daily/activity{way}", "team_ids", WINDOW) for way in ("", "/export")),
    *((f"/customer/daily/activity{way}", "end_user_ids", WINDOW) for way in ("", "/export")),
    *(("/global/spend/report", name, WINDOW) for name in ("team_id", "customer_id")),
    *((f"/global/{panel}", "team_id", WINDOW) for panel in ("activity", "latency", "storage")),
    ("/spend/logs/v2", "team_id", WINDOW),
]
LISTS = ("team_ids", "exclude_team_ids", "api_key", "model")


@pytest.fixture(scope="module")
def month() -> Month:
    """A month without rows."""
    return Month()


def test_a_name_that_no_record_can_have_is_refused(month: Month) -> None:
    for path, name, query in NAMES:
        for text in ("a#b", "\x00", "x" * 257):
            status, found = month.admin.ask("GET", path, **query, **{name: text})
            assert (status, found["error"]["param"]) == (400, name), (path, text)
        assert month.admin.response("GET", path, **query, **{name: "vs_a"}).status == 200


def test_blanks_around_a_name_do_not_count(month: Month) -> None:
    for summarize in ("true", "false"):
        assert month.admin.ask("GET", "/spend/logs", summarize=summarize, end_user="ann\n", **WINDOW)[0] == 200


def test_no_report_is_of_more_than_a_hundred_names(month: Month) -> None:
    for name in LISTS:
        for count, expected in ((MAX_VALUES, 200), (MAX_VALUES + 1, 400)):
            many = ",".join(map(str, range(count)))
            assert month.admin.ask("GET", "/team/daily/activity", **WINDOW, **{name: many})[0] == expected


def test_a_team_does_not_learn_the_name_that_a_store_has_at_another_team(month: Month) -> None:
    def done(path: str, body: object) -> Any:
        status, found = month.admin.ask("POST", path, body)
        assert status == 200, found
        return found

    for team in ("team 0", "team 1"):
        done("/team/new", {"team_id": team})
    month.admin.documents.store("vs_0", name="plans")
    done("/vector_stores/adopt", {"team_id": "team 0", "all": True, "dry_run": False})
    month.fill([(0, next(iter(KEYS)), "storage", 1)], vector_store_id="vs_0")
    key = done("/key/generate", {"role": "team_admin", "team_id": "team 0"})["key"]

    def name(**by: str) -> Any:
        _, found = month.admin.ask("GET", "/global/storage", **by, **WINDOW)
        (store,) = found["stores"]
        assert (store["id"], store["team_id"]) == ("vs_0", "team 0")
        return store["name"]

    assert name() == name(by=key) == "plans"
    done("/vector_stores/vs_0/transfer", {"team_id": "team 1"})
    assert name() == "plans"
    assert name(by=key) is None


def test_no_cell_of_a_csv_file_is_a_formula() -> None:
    for text in ("=1", " =1", "\t+1", "\uff1d1", "@a"):
        assert csv_text(["a"], [[text]]).split("\r\n")[1].strip('"') == f"'{text}"
    assert csv_text(["a"], [[-5]]) == "a\r\n-5\r\n"


def test_a_key_of_a_clock_that_is_ahead_has_spent_nothing_yet(month: Month) -> None:
    made = month.admin.ask("POST", "/key/generate", {})[1]["token"]
    row = month.admin.stores.keys.key(made)
    assert row is not None
    month.admin.stores.keys.replace_key(replace(row, created_at=row.created_at + 40 * 86_400, version=row.version + 1))
    assert month.admin.ask("GET", "/key/info", key=made)[1]["info"]["spend_nano_usd"] == 0
