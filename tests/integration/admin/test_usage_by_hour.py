"""OpenAI's usage reports by the hour and by the minute, from the records of the page, by the official client."""

from __future__ import annotations

from collections import Counter
from typing import Any

import openai
import pytest

from tests.integration.admin.test_organization_reports import FIRST, KEYS, Month
from vectorgate.admin.deps import AdminDeps
from vectorgate.admin.reports import bucket_sums
from vectorgate.metering.model import DAY_S

RED, BLUE, OTHER, _ = KEYS
START = FIRST * DAY_S
HOUR, MINUTE = 3_600, 60
CALLS: list[tuple[int, Any, str]] = [
    (0, RED, "vector_stores.search"),
    (59, BLUE, "vector_stores.search"),
    (HOUR - 1, RED, "responses.create"),
    (HOUR, OTHER, "responses.create"),
    (30 * HOUR + 61, RED, "responses.create"),
    (30 * HOUR + 62, RED, "vector_stores.create"),
]


@pytest.fixture(scope="module")
def month() -> Month:
    """A month with a few calls of two days, and what two stores held."""
    found = Month()
    for second, key, operation in CALLS:
        found.fill([(0, key, operation, 10)], started_ms=(START + second) * 1_000)
    found.fill([(0, RED, "storage", 7), (1, BLUE, "storage", 7)])
    return found


def sums(month: Month, report: Any, *groups: str, **query: Any) -> Counter[Any]:
    """Searches, or tokens and requests, by bucket, in seconds since the first, and by what results are grouped by."""
    found: Counter[Any] = Counter()
    window = {"end_time": START + 2 * DAY_S, **query}
    for bucket in month.buckets(report, group_by=[*groups], **window):
        assert bucket.end_time - bucket.start_time in {MINUTE, HOUR, DAY_S}
        for result in bucket.results:
            group = tuple(getattr(result, name) for name in groups)
            amount = getattr(result, "num_requests", None) or getattr(result, "input_tokens", None)
            found[bucket.start_time - START, *group] += amount or 0
    return found


def test_hours_and_minutes_have_their_calls(month: Month) -> None:
    usage = month.client.admin.organization.usage
    searches = usage.file_search_calls
    assert sums(month, searches, bucket_width="1h") == {(0,): 5, (HOUR,): 3, (30 * HOUR,): 3}
    by_minute = sums(month, searches, bucket_width="1m", limit=1_440)
    assert by_minute == {(0,): 2, (HOUR - MINUTE,): 3, (HOUR,): 3, (30 * HOUR + MINUTE,): 3}
    tokens = sums(month, usage.completions, "model", bucket_width="1h", limit=7)
    assert tokens == {(0, "gpt-5"): 7, (HOUR, "gpt-5"): 7, (30 * HOUR, "gpt-5"): 7}


def test_hours_add_up_to_their_days_however_they_are_grouped_and_filtered(month: Month) -> None:
    usage = month.client.admin.organization.usage
    for report, groups, filters in (
        (usage.file_search_calls, ("project_id",), {}),
        (usage.file_search_calls, ("user_id", "api_key_id"), {"project_ids": ["team 0"]}),
        (usage.file_search_calls, ("vector_store_id",), {"api_key_ids": [RED]}),
        (usage.file_search_calls, ("api_key_id",), {"vector_store_ids": ["vs_0"]}),
        (usage.completions, ("api_key_id", "model"), {"user_ids": ["user 0"]}),
    ):
        by_hour: Counter[Any] = Counter()
        for (second, *group), amount in sums(month, report, *groups, bucket_width="1h", **filters).items():
            by_hour[second // DAY_S * DAY_S, *group] += amount
        assert by_hour == sums(month, report, *groups, **filters)
        assert by_hour


def test_the_hours_of_a_day_have_the_days_average_of_what_stores_hold(month: Month) -> None:
    report = month.client.admin.organization.usage.vector_stores
    found = [
        result.usage_bytes
        for bucket in month.buckets(report, bucket_width="1h", end_time=START + 2 * DAY_S)
        for result in bucket.results
    ]
    assert found == [1_000] * 48


def test_a_teams_administrator_sees_the_hours_of_its_team(month: Month) -> None:
    month.admin.ask("POST", "/team/new", {"team_id": "team 1"})
    _, made = month.admin.ask("POST", "/key/generate", {"role": "team_admin", "team_id": "team 1"})
    report = month.of(made["key"]).admin.organization.usage.file_search_calls
    assert sums(month, report, "api_key_id", bucket_width="1h") == {(0, BLUE): 1}
    assert not sums(month, report, "api_key_id", bucket_width="1h", project_ids=["team 0"])


def test_hours_whose_calls_may_be_gone_are_refused_and_days_are_not(
    month: Month, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(AdminDeps, "whole_since_ms", lambda _: (START + HOUR) * 1_000)
    report = month.client.admin.organization.usage.file_search_calls
    with pytest.raises(openai.BadRequestError, match="bucket_width' '1d'") as refused:
        sums(month, report, bucket_width="1h")
    assert (refused.value.code, refused.value.param) == ("records_not_kept", "start_time")
    assert sums(month, report, bucket_width="1h", start_time=START + HOUR) == {(HOUR,): 3, (30 * HOUR,): 3}
    assert sums(month, report) == {(0,): 8, (DAY_S,): 3}


def test_buckets_with_too_many_calls_are_refused(month: Month, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_sums, "MOST", 3)
    report = month.client.admin.organization.usage.file_search_calls
    with pytest.raises(openai.BadRequestError, match="more than 3 calls") as refused:
        sums(month, report, bucket_width="1h")
    assert (refused.value.code, refused.value.param) == ("too_many_calls", "bucket_width")
    assert sums(month, report, bucket_width="1h", api_key_ids=[BLUE]) == {(0,): 1}
    with pytest.raises(openai.BadRequestError, match="Supported values are: '1d', '1h', and '1m'"):
        sums(month, report, bucket_width="2h")
