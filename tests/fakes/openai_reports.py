"""OpenAI's reports of an organization, from what the provider itself saw: sizes by the second, searches and tokens.

The true figures are integrated here, by this provider's own rates, and know nothing of the gateway's meters and prices.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from tests.fakes.upstream import answer, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.fakes.openai import FakeOpenAI
    from tests.fakes.upstream import Act, Received

DAY = 86_400
GIB = 2**30
ADMIN_KEY = "sk-admin-Jc7QpWvT2nYx5LdRb9Ke"
PATH = re.compile(r"/v1/organization/(usage/vector_stores|usage/file_search_calls|costs)")
A_GIB_HOUR, A_SEARCH = Fraction(1, 240), Fraction(25, 10_000)  # dollars: 0.10 a day, 2.50 for a thousand
A_TOKEN = {"input": Fraction(25, 10**8), "cached": Fraction(25, 10**9), "output": Fraction(2, 10**6)}  # gpt-5-mini


@dataclass
class DayTotals:
    """A day: byte-seconds of all stores, searches by store, and tokens by kind."""

    byte_seconds: int = 0
    searches: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    tokens: dict[str, int] = field(default_factory=lambda: defaultdict(int))


@dataclass
class FakeReports:
    """Answers the reports of `openai`. `now`: the provider's clock; `pass_time` has to be told of each step.

    `late`: days that it does not report yet. `page_days`: buckets of a page.
    """

    openai: FakeOpenAI
    now: Callable[[], float]
    late: set[int] = field(default_factory=set)
    page_days: int = 2
    asked: list[dict[str, list[str]]] = field(default_factory=list)
    days: dict[int, DayTotals] = field(default_factory=lambda: defaultdict(DayTotals))
    _seen: int = 0

    def pass_time(self, began: int, ended: int) -> None:
        """Count what was stored from second to second, and what was answered before."""
        size = sum(int(store["usage_bytes"]) for store in self.openai.stores.values())
        while began < ended:
            until = min(ended, (began // DAY + 1) * DAY)
            self.days[began // DAY].byte_seconds += size * (until - began)
            began = until
        self.count_answers(began)

    def count_answers(self, now: int) -> None:
        """Count what was answered since the last time, on the day of `now`."""
        day = self.days[now // DAY]
        for each in self.openai.model.counted[self._seen :]:
            for item in each["output"]:
                if item["type"] == "file_search_call":
                    (tool,) = [tool for tool in each["tools"] if tool["type"] == "file_search"]
                    day.searches[tool["vector_store_ids"][0]] += 1
            cached = each["usage"]["input_tokens_details"]["cached_tokens"]
            day.tokens["cached"] += cached
            day.tokens["input"] += each["usage"]["input_tokens"] - cached
            day.tokens["output"] += each["usage"]["output_tokens"]
        self._seen = len(self.openai.model.counted)

    def act_for(self, received: Received) -> Act | None:
        """The act that answers a report; None for another request."""
        path, _, query = received.path.partition("?")
        match = PATH.fullmatch(path)
        if match is None:
            return None
        if received.headers.get("authorization") != f"Bearer {ADMIN_KEY}":
            return refusal(401, "invalid_api_key")
        return self._page(match[1], parse_qs(query))

    def _page(self, report: str, query: dict[str, list[str]]) -> Act:
        self.asked.append(query)
        first, last = int(query["start_time"][0]) // DAY, int(query["end_time"][0]) // DAY
        start = int(query.get("page", [f"page_{first}"])[0].removeprefix("page_"))
        end = min(last, start + self.page_days)
        data = [self._bucket(report, day, query.get("group_by[]", [])) for day in range(start, end)]
        following = f"page_{end}" if end < last else None
        return answer(200, {"object": "page", "data": data, "has_more": end < last, "next_page": following})

    def _bucket(self, report: str, day: int, group_by: list[str]) -> dict[str, Any]:
        results: list[dict[str, Any]] = []
        if day not in self.late and day in self.days:
            results = list(self._results(report, self.days[day], group_by))
        return {"object": "bucket", "start_time": day * DAY, "end_time": (day + 1) * DAY, "results": results}

    def _results(self, report: str, totals: DayTotals, group_by: list[str]) -> Iterator[dict[str, Any]]:
        if report == "usage/vector_stores":
            stored = totals.byte_seconds // DAY
            yield {"object": "organization.usage.vector_stores.result", "usage_bytes": stored, "project_id": None}
        elif report == "usage/file_search_calls":
            assert group_by == ["vector_store_id"]
            result = {"object": "organization.usage.file_searches.result", "project_id": None, "api_key_id": None}
            for store, calls in sorted(totals.searches.items()):
                yield {**result, "num_requests": calls, "vector_store_id": store}
        else:
            assert group_by == ["line_item"]
            yield from self._costs(totals)

    def _costs(self, totals: DayTotals) -> Iterator[dict[str, Any]]:
        hours = Fraction(max(0, totals.byte_seconds - GIB * DAY), GIB * 3_600)
        searches = sum(totals.searches.values())
        if hours:
            yield _cost("vector store storage", hours * A_GIB_HOUR, hours, "gibibyte_hours")
        if searches:
            yield _cost("file search tool calls", searches * A_SEARCH, Fraction(searches), None)
        for kind, count in sorted(totals.tokens.items()):
            yield _cost(f"gpt-5-mini-2025-08-07, {kind}", count * A_TOKEN[kind], Fraction(count), "tokens")


def _cost(item: str, dollars: Fraction, quantity: Fraction, unit: str | None) -> dict[str, Any]:
    return {
        "object": "organization.costs.result",
        "amount": {"value": float(dollars), "currency": "usd"},
        "line_item": item,
        "project_id": None,
        "quantity": float(quantity),
        "quantity_unit": unit,
    }
