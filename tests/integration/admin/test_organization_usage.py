"""OpenAI's usage reports by the official client, their filters and errors, and what a team's administrator sees."""

from __future__ import annotations

from collections import Counter
from typing import Any

import httpx
import openai
import pytest

from tests.factories.secrets import MASTER_KEY
from tests.harnesses.admin import DAY
from tests.integration.admin.test_organization_reports import FIRST, KEYS, Month
from vectorgate.metering.model import DAY_S

RED, BLUE, OTHER, _ = KEYS
ROWS: list[tuple[int, Any, str, int]] = [
    (0, RED, "vector_stores.search", 10),
    (0, BLUE, "vector_stores.search", 10),
    (1, RED, "responses.create", 31),
    (1, OTHER, "responses.create", 2),
    (2, RED, "storage", 7),
    (2, BLUE, "storage", 7),
    (2, None, "storage", 7),
]
WINDOW: Any = {"start_time": FIRST * DAY_S + 5, "end_time": (DAY + 1) * DAY_S}


@pytest.fixture(scope="module")
def month() -> Month:
    """A month with a few rows."""
    found = Month()
    found.fill(ROWS)
    return found


def results(month: Month, report: Any, **query: Any) -> list[tuple[int, Any]]:
    """The results of all buckets, each with the number of its day in the month."""
    found = month.buckets(report, **query)
    return [(bucket.start_time // DAY_S - FIRST, result) for bucket in found for result in bucket.results]


def test_bytes_are_the_days_average_by_team(month: Month) -> None:
    report = month.client.admin.organization.usage.vector_stores
    assert [(day, found.usage_bytes) for day, found in results(month, report)] == [(2, 3_000)]
    by_team = {found.project_id: found.usage_bytes for _, found in results(month, report, group_by=["project_id"])}
    assert by_team == {"team 0": 1_000, "team 1": 1_000, None: 1_000}
    (one,) = results(month, report, project_ids=["team 1"])
    assert one[1].usage_bytes == 1_000


def test_searches_are_counted_by_whatever_they_are_grouped_by(month: Month) -> None:
    report = month.client.admin.organization.usage.file_search_calls
    assert [(day, found.num_requests) for day, found in results(month, report)] == [(0, 2), (1, 6)]
    for groups in (["project_id"], ["user_id"], ["api_key_id"], ["vector_store_id"], ["api_key_id", "vector_store_id"]):
        assert sum(found.num_requests for _, found in results(month, report, group_by=groups)) == 8
    by_key: Counter[str] = Counter()
    for _, found in results(month, report, group_by=["api_key_id"]):
        by_key[found.api_key_id] += found.num_requests
    assert by_key == {RED: 4, BLUE: 1, OTHER: 3}
    stores = results(
        month, report, group_by=["vector_store_id"], vector_store_ids=["vs_0", "vs_2"], user_ids=["user 0"]
    )
    assert [(day, found.vector_store_id, found.num_requests) for day, found in stores] == [
        (0, "vs_0", 1),
        (1, "vs_0", 2),
    ]


def test_tokens_are_counted_by_model(month: Month) -> None:
    report = month.client.admin.organization.usage.completions
    ((day, found),) = results(month, report, group_by=["model", "batch"], models=["gpt-5"])
    assert (day, found.model, found.batch, found.num_model_requests) == (1, "gpt-5", False, 2)
    assert (found.input_tokens, found.output_tokens, found.input_uncached_tokens) == (14, 10, 14)
    assert results(month, report, batch=True) == []
    assert results(month, report, models=["gpt-4"]) == []


def test_line_items_have_quantities_and_can_be_chosen(month: Month) -> None:
    report = month.client.admin.organization.usage.costs
    found = {item.line_item: item for _, item in results(month, report, group_by=["line_item"])}
    assert {name: (item.amount.value_exact, item.quantity_unit) for name, item in found.items()} == {
        "vector_stores.search": ("0.00000002", None),
        "gpt-5 tokens": ("0.000000023", "tokens"),
        "responses.tools": ("0.00000001", None),
        "storage": ("0.000000021", "gibibyte_hours"),
    }
    assert found["storage"].quantity == pytest.approx(3 * 1_000 * 24 / 2**30)
    assert (found["gpt-5 tokens"].quantity, found["responses.tools"].quantity) == (24, 6)
    chosen = results(month, report, line_items=["storage", "gpt-5 tokens"], api_key_ids=[RED])
    assert [(day, item.amount.value_exact) for day, item in chosen] == [(1, "0.000000021"), (2, "0.000000007")]


def test_a_teams_administrator_sees_its_team_and_another_is_as_absent_as_none(month: Month) -> None:
    _, made = month.admin.ask("POST", "/team/new", {"team_id": "team 1"})
    _, made = month.admin.ask("POST", "/key/generate", {"role": "team_admin", "team_id": "team 1"})
    usage = month.of(made["key"]).admin.organization.usage
    assert [found.usage_bytes for _, found in results(month, usage.vector_stores)] == [1_000]
    assert {found.api_key_id for _, found in results(month, usage.file_search_calls, group_by=["api_key_id"])} == {BLUE}
    assert [found.amount.value_exact for _, found in results(month, usage.costs)] == ["0.00000001", "0.000000007"]
    foreign = usage.costs(**WINDOW, project_ids=["team 0"], limit=31)
    assert foreign.model_dump() == usage.costs(**WINDOW, project_ids=["none"], limit=31).model_dump()


def test_an_ordinary_key_sees_nothing(month: Month) -> None:
    _, made = month.admin.ask("POST", "/key/generate", {"team_id": "team 1", "create_team": True})
    with pytest.raises(openai.AuthenticationError):
        month.of(made["key"]).admin.organization.usage.costs(**WINDOW)


def test_curl_gets_the_same_with_and_without_v1(month: Month) -> None:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    query = f"start_time={FIRST * DAY_S}&limit=180&group_by=project_id,line_item"
    pages = [
        httpx.get(f"{month.base_url}{prefix}/organization/costs?{query}", headers=headers).json()
        for prefix in ("", "/v1")
    ]
    assert pages[0] == pages[1]
    assert len(pages[0]["data"]) == 32
    assert pages[0]["next_page"] is None


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ("", "missing_required_parameter", "start_time"),
        ("start_time=a", "invalid_type", "start_time"),
        ("start_time=5&end_time=5", "invalid_value", "end_time"),
        ("start_time=5&limit=181", "integer_above_max_value", "limit"),
        ("start_time=5&limit=0", "integer_below_min_value", "limit"),
        ("start_time=5&bucket_width=1h", "invalid_value", "bucket_width"),
        ("start_time=5&group_by[]=project_id&group_by[]=colour", "invalid_value", "group_by"),
        ("start_time=5&page=page_99999", "invalid_value", "page"),
        ("start_time=5&colour=red", "unknown_parameter", "colour"),
        ("start_time=5" + "&project_ids=a" * 101, "array_above_max_length", "project_ids"),
    ],
)
def test_a_bad_parameter_is_openais_400(month: Month, query: str, code: str, param: str) -> None:
    headers = {"authorization": f"Bearer {MASTER_KEY}"}
    answer = httpx.get(f"{month.base_url}/v1/organization/costs?{query}", headers=headers)
    error = answer.json()["error"]
    assert (answer.status_code, error["type"], error["code"], error["param"]) == (
        400,
        "invalid_request_error",
        code,
        param,
    )
