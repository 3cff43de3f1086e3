"""LiteLLM's reports and the dashboard's: they add up to the log, page by page, and a team sees its own."""

from __future__ import annotations

import csv
import io
from collections import Counter
from typing import Any

import pytest

from tests.integration.admin.test_organization_reports import KEYS, Month
from vectorgate.admin import log_v2
from vectorgate.admin.deps import AdminDeps
from vectorgate.admin.log_pages import LogPage, LogReader
from vectorgate.metering.model import DAY_S

RED, BLUE, OTHER, _ = KEYS
WINDOW = {"start_date": "2026-02-02", "end_date": "2026-03-04"}
ROWS: list[tuple[int, Any, str, int]] = [
    (0, RED, "vector_stores.search", 1_000),
    (0, BLUE, "vector_stores.search", 200),
    (1, RED, "responses.create", 30),
    (29, OTHER, "storage", 40),
    (30, None, "storage", 5),
]
REPORTS = {"team": "team_ids", "user": "user_id", "tag": "tags", "customer": "end_user_ids"}


@pytest.fixture(scope="module")
def month() -> Month:
    """A month of a few rows, each of an end user and with two tags."""
    found = Month()
    found.fill(ROWS, end_user="=cmd", tags=("a", "#b"), overhead_us=3_000, upstream_us=90_000)
    return found


def ask(month: Month, path: str, **query: str) -> Any:
    """The document of an answer."""
    status, document = month.admin.ask("GET", path, **query)
    assert status == 200, document
    return document


@pytest.mark.parametrize("entity", REPORTS)
def test_pages_of_days_add_up_to_the_log_in_every_breakdown(month: Month, entity: str) -> None:
    path = f"/{entity}/daily/activity"
    whole = ask(month, path, **WINDOW, page_size="1000")
    twice = 2 if entity == "tag" else 1
    assert whole["metadata"]["total_spend_nano_usd"] == 1_275 * twice
    assert whole["metadata"]["total_api_requests"] == 3 * twice  # storage is no request
    assert [day["date"] for day in whole["results"]] == ["2026-03-04", "2026-03-03", "2026-02-03", "2026-02-02"]
    for day in whole["results"]:
        for kind in ("providers", "endpoints", "api_keys", "entities"):
            parts = day["breakdown"][kind].values()
            assert sum(part["metrics"]["spend_nano_usd"] for part in parts) == day["metrics"]["spend_nano_usd"]
    pages = [ask(month, path, **WINDOW, page_size="2", page=str(number)) for number in range(1, 3 * twice + 1)]
    assert sum(page["metadata"]["total_spend_nano_usd"] for page in pages) == 1_275 * twice
    assert [page["metadata"]["has_more"] for page in pages][-2:] == [True, False] if twice == 1 else True


def test_days_can_be_of_some_entities_keys_and_models(month: Month) -> None:
    def spend(path: str, **query: str) -> int:
        return int(ask(month, path, **WINDOW, **query)["metadata"]["total_spend_nano_usd"])

    assert spend("/team/daily/activity", team_ids="team 0") == 1_070
    assert spend("/team/daily/activity", team_ids="team 0,team 1", api_key=BLUE) == 200
    assert spend("/team/daily/activity", exclude_team_ids="team 0,Unassigned") == 200
    assert spend("/user/daily/activity", user_id="user 2") == 40
    assert spend("/tag/daily/activity", tags="#b", model="gpt-5") == 30
    assert spend("/customer/daily/activity", end_user_ids="=cmd") == 1_275
    assert spend("/customer/daily/activity", end_user_ids="other") == 0
    entities = ask(month, "/team/daily/activity", **WINDOW)["results"][-1]["breakdown"]["entities"]
    assert set(entities["team 0"]["api_key_breakdown"]) == {RED}


def test_an_export_is_a_csv_file_without_formulas(month: Month) -> None:
    answer = month.admin.response("GET", "/customer/daily/activity/export", export_type="daily_with_keys", **WINDOW)
    text = answer.read_body().decode()
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "customer-usage-2026-02-02-2026-03-04-daily_with_keys.csv" in answer.headers["content-disposition"]
    assert text.count("\r\n") == text.count("\n") == 6
    rows = [*csv.DictReader(io.StringIO(text, newline=""))]
    assert {row["entity_id"] for row in rows} == {"'=cmd"}
    assert sum(int(row["spend_nano_usd"]) for row in rows) == 1_275
    for entity in REPORTS:
        for kind in ("daily", "daily_with_models", "daily_with_users"):
            exported = ask(month, f"/{entity}/daily/activity/export", format="json", export_type=kind, **WINDOW)
            assert sum(row["spend_nano_usd"] for row in exported) == 1_275 * (2 if entity == "tag" else 1)


def test_reports_of_spend_name_what_spent_most_first(month: Month) -> None:
    tags = ask(month, "/spend/tags")
    assert [(tag["individual_request_tag"], tag["log_count"], tag["total_spend_nano_usd"]) for tag in tags] == [
        ("#b", 5, 1_275),
        ("a", 5, 1_275),
    ]
    by_team = ask(month, "/global/spend/report", **WINDOW)
    assert [day["group_by_day"][:10] for day in by_team] == ["2026-02-02", "2026-02-03", "2026-03-03", "2026-03-04"]
    assert {team["team_name"]: team["total_spend_nano_usd"] for team in by_team[0]["teams"]} == {
        "team 0": 1_000,
        "team 1": 200,
    }
    by_customer = ask(month, "/global/spend/report", group_by="customer", **WINDOW)
    assert [day["customers"][0]["total_spend_nano_usd"] for day in by_customer] == [1_200, 30, 40, 5]
    by_key = ask(month, "/global/spend/report", group_by="api_key", **WINDOW)
    assert [row["total_cost_nano_usd"] for row in by_key] == [1_030, 200, 40, 5]
    assert by_key[0]["model_details"][0]["model"] == ""
    one = ask(month, "/global/spend/report", internal_user_id="user 1", **WINDOW)
    assert [row["api_key"] for row in one] == [BLUE]


def test_the_log_is_summed_up_by_day(month: Month) -> None:
    found = ask(month, "/spend/logs", summarize="true", **WINDOW)
    assert [(row["startTime"], row["spend_nano_usd"]) for row in found] == [
        ("2026-02-02", 1_200),
        ("2026-02-03", 30),
        ("2026-03-03", 40),
        ("2026-03-04", 5),
    ]
    assert (found[0][RED], found[0]["users"]["user 1"], found[1]["models"]["gpt-5"]) == (1e-6, 2e-7, 3e-8)
    narrow = ask(month, "/spend/logs", summarize="true", user_id="user 0", call_type="responses.create", **WINDOW)
    assert Counter({row["startTime"]: row["spend_nano_usd"] for row in narrow}).total() == 30
    status, error = month.admin.ask("GET", "/spend/logs", summarize="true", status="failure")
    assert (status, error["error"]["param"]) == (400, "status")


def test_numbered_pages_of_the_log_have_each_row_once(month: Month) -> None:
    pages = [ask(month, "/spend/logs/v2", page=str(number), page_size="2", **WINDOW) for number in (1, 2, 3)]
    assert [(page["total"], page["total_pages"]) for page in pages] == [(5, 3)] * 3
    assert len({row["request_id"] for page in pages for row in page["data"]}) == 5
    some = ask(month, "/spend/logs/v2", user_id="user 0", status_filter="success", model="gpt-5", **WINDOW)
    assert [row["spend_nano_usd"] for row in some["data"]] == [30]
    status, error = month.admin.ask("GET", "/spend/logs/v2", page="10", page_size="1001")
    assert (status, error["error"]["param"]) == (400, "page_size")


def test_rows_that_may_be_gone_are_counted_one_by_one(month: Month, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sums outlive their rows: of a page that has two rows, they would tell of five."""
    shown = LogPage(month.admin.rows()[:2], None)
    monkeypatch.setattr(LogReader, "page", lambda _: shown)
    assert ask(month, "/spend/logs/v2", **WINDOW)["total"] == 5
    monkeypatch.setattr(AdminDeps, "whole_since_ms", lambda deps: deps.clock.unix_ms())
    assert ask(month, "/spend/logs/v2", **WINDOW)["total"] == 2


def test_the_log_is_sorted_as_litellm_sorts_it(month: Month, monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(**query: str) -> list[Any]:
        return list(ask(month, "/spend/logs/v2", **WINDOW, **query)["data"])

    spent = [row["spend_nano_usd"] for row in rows(sort_by="spend")]
    assert spent == [1_000, 200, 40, 30, 5]
    assert [row["spend_nano_usd"] for row in rows(sort_by="spend", sort_order="asc")] == spent[::-1]
    pages = [rows(sort_by="spend", page=str(number), page_size="2") for number in (1, 2, 3)]
    assert [row["spend_nano_usd"] for page in pages for row in page] == spent
    oldest = [row["startTime"] for row in rows(sort_order="ASC")]
    assert oldest == sorted(row["startTime"] for row in rows())
    assert rows(sort_by="total_tokens")[0]["input_tokens"] == 7
    assert [row["model"] for row in rows(sort_by="model", sort_order="asc")] == ["gpt-5", *[None] * 4]
    monkeypatch.setattr(log_v2, "MOST", 4)
    status, document = month.admin.ask("GET", "/spend/logs/v2", sort_by="spend", page_size="2", **WINDOW)
    assert (status, document["error"]["code"], document["error"]["param"]) == (400, "too_many_records", "sort_by")
    assert len(rows(sort_by="spend", page_size="2", api_key=RED)) == 2


def test_a_panel_is_one_request(month: Month) -> None:
    activity = ask(month, "/global/activity", **WINDOW)
    assert len(activity["daily_data"]) == 31
    assert (activity["sum_api_requests"], activity["sum_total_tokens"], activity["sum_searches"]) == (3, 12, 5)
    latency = ask(month, "/global/latency", **WINDOW)
    assert latency["daily_data"][0]["overhead"]["p50_ms"] == pytest.approx(3.25)
    assert latency["upstream"]["calls"] == 5
    storage = ask(month, "/global/storage", **WINDOW)
    assert storage["total_bytes"][-2:] == [1_000, 1_000]
    assert {store["id"]: store["bytes"][-2:] for store in storage["stores"]} == {"vs_0": [1_000, 0], "vs_1": [0, 1_000]}
    assert ask(month, "/global/storage", limit="1", **WINDOW)["other_bytes"][-2:] == [1_000, 0]


def test_the_forecast_is_what_was_spent_and_the_rate_of_the_last_days(month: Month) -> None:
    month.admin.ask("POST", "/team/new", {"team_id": "team 0", "max_budget": 1, "budget_duration": "1mo"})
    found = ask(month, "/global/spend/forecast")
    assert (found["period_start"], found["period_end"], found["spend_nano_usd"]) == ("2026-03-01", "2026-04-01", 45)
    left = 27 - (month.admin.time.clock().unix_s() % DAY_S) / DAY_S
    assert found["forecast_nano_usd"] == pytest.approx(45 + 45 / 14 * left, abs=1)
    team = next(each for each in found["teams"] if each["team_id"] == "team 0")
    assert (team["max_budget"], team["budget_reset_at"][:10], team["spend"]) == (1, "2026-04-01", 0)


def test_a_teams_administrator_sees_its_team_in_every_report(month: Month) -> None:
    month.admin.ask("POST", "/team/new", {"team_id": "team 1"})
    _, made = month.admin.ask("POST", "/key/generate", {"role": "team_admin", "team_id": "team 1"})

    def own(path: str, **query: str) -> Any:
        status, document = month.admin.ask("GET", path, by=made["key"], **query)
        assert status == 200, document
        return document

    for entity, twice in (("team", 1), ("user", 1), ("tag", 2), ("customer", 1)):
        assert own(f"/{entity}/daily/activity", **WINDOW)["metadata"]["total_spend_nano_usd"] == 200 * twice
        (row, *_) = own(f"/{entity}/daily/activity/export", format="json", **WINDOW)
        assert row["spend_nano_usd"] == 200
    foreign = own("/team/daily/activity", team_ids="team 0", **WINDOW)
    assert foreign == own("/team/daily/activity", team_ids="absent", **WINDOW)
    assert {tag["total_spend_nano_usd"] for tag in own("/spend/tags")} == {200}
    assert own("/spend/logs", summarize="true", **WINDOW)[0]["spend_nano_usd"] == 200
    assert own("/spend/logs/v2", **WINDOW)["total"] == 1
    assert own("/global/activity", **WINDOW)["sum_api_requests"] == 1
    assert own("/global/latency", **WINDOW)["overhead"]["calls"] == 1
    assert own("/global/storage", **WINDOW)["stores"] == []
    assert [team["team_id"] for team in own("/global/spend/forecast")["teams"]] == ["team 1"]
    assert [each["total_cost_nano_usd"] for each in own("/global/spend/report", group_by="api_key", **WINDOW)] == [200]


@pytest.mark.parametrize(
    ("path", "query", "param"),
    [
        ("/team/daily/activity", {}, "start_date"),
        ("/team/daily/activity", {"start_date": "2026-01-32", "end_date": "2026-02-01"}, "start_date"),
        ("/team/daily/activity", {"start_date": "2025-01-01", "end_date": "2026-12-01"}, "end_date"),
        ("/team/daily/activity", {**WINDOW, "timezone": "480"}, "timezone"),
        ("/team/daily/activity", {**WINDOW, "page": "0"}, "page"),
        ("/team/daily/activity/export", {**WINDOW, "format": "xml"}, "format"),
        ("/team/daily/activity/export", {**WINDOW, "export_type": "hourly"}, "export_type"),
        ("/global/spend/report", {**WINDOW, "group_by": "colour"}, "group_by"),
        ("/global/activity", {**WINDOW, "colour": "red"}, "colour"),
        ("/spend/logs/v2", {"page": "11", "page_size": "1000"}, "page"),
        ("/spend/logs/v2", {"sort_by": "colour"}, "sort_by"),
        ("/spend/logs/v2", {"sort_order": "down"}, "sort_order"),
    ],
)
def test_a_bad_parameter_is_named(month: Month, path: str, query: dict[str, str], param: str) -> None:
    status, document = month.admin.ask("GET", path, **query)
    assert (status, document["error"]["param"]) == (400, param)
