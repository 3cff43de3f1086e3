"""Tokens, calls of tools and storage are lines of their own in what a key, a team and an end user spent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.admin import KEY, USD, AdminHarness, meter
from vectorgate.ids import TenantId
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import GIB

if TYPE_CHECKING:
    from vectorgate.ledger.entry import LedgerEntry

INFOS: dict[str, tuple[str, dict[str, str], str | None]] = {
    "key": ("/key/info", {"key": KEY}, "info"),
    "team": ("/team/info", {"team_id": "red"}, "team_info"),
    "end_user": ("/customer/info", {"end_user_id": "ann"}, None),
}
TOKENS = 900 * 250 + 100 * 25 + 500 * 2_000  # nano-dollars: 1,000 tokens read, of which 100 cached, and 500 written
TOOLS = 2 * 2_500_000
STORAGE = 2 * USD // 10  # three GiB for a day, of which one is free


def shown(admin: AdminHarness, scope: str) -> Any:
    """What the route shows."""
    path, query, within = INFOS[scope]
    status, document = admin.ask("GET", path, **query)
    assert status == 200, document
    return document[within] if within else document


def response(admin: AdminHarness, number: int, **fields: Any) -> LedgerEntry:
    """A response of red's key for ann, with two searches."""
    values: dict[str, Any] = {"operation": "responses.create", "model": "gpt-5-mini", "vector_store_id": None}
    values |= {"input_tokens": 1_000, "cached_tokens": 100, "output_tokens": 500, "end_user": "ann"}
    return admin.call(number, **values, tool_calls=("file_search=2",), searched_stores=("vs_a",), **fields)


def with_budgets(admin: AdminHarness, duration: str | None) -> None:
    admin.key()
    limits = {"max_budget": 5, "budget_duration": duration}
    for path, body in (
        ("/key/update", {"key": KEY}),
        ("/team/new", {"team_id": "red"}),
        ("/customer/new", {"user_id": "ann"}),
    ):
        assert admin.ask("POST", path, {**body, **limits})[0] == 200


@pytest.mark.parametrize(("duration", "period"), [("1d", "2026-03-04"), ("1mo", "2026-03-01"), (None, "ever")])
def test_the_lines_of_a_budgets_period_are_its_spend(admin: AdminHarness, duration: str | None, period: str) -> None:
    with_budgets(admin, duration)
    response(admin, 1, budgets=tuple(f"{scope}/{period}" for scope in INFOS))
    admin.charge([meter("vs_a", 3 * GIB * DAY_S)])
    for scope in INFOS:
        info = shown(admin, scope)
        lines = info["spend_by_call_type_nano_usd"]
        assert lines == {"responses.create": TOKENS, "responses.tools": TOOLS, "storage": STORAGE}, scope
        assert sum(lines.values()) == info["spend_nano_usd"]
        assert info["spend_by_call_type"]["responses.tools"] == 0.005


def test_a_day_before_the_period_is_in_no_line(admin: AdminHarness) -> None:
    with_budgets(admin, "1d")
    response(admin, 1, budgets=tuple(f"{scope}/2026-03-04" for scope in INFOS))
    admin.time.skip(DAY_S)
    assert [shown(admin, scope)["spend_by_call_type_nano_usd"] for scope in INFOS] == [{}, {}, {}]


def test_without_a_budget_the_lines_are_those_of_the_sum(admin: AdminHarness) -> None:
    admin.key()
    response(admin, 1)
    response(admin, 2, tenant=TenantId("team:blue"), key_id="b" * 64, team_id="blue")
    key, team, ann = (shown(admin, scope) for scope in INFOS)
    assert key["spend_by_call_type_nano_usd"] == {"responses.create": TOKENS, "responses.tools": TOOLS}
    assert key["spend_nano_usd"] == TOKENS + TOOLS == team["spend_nano_usd"]
    assert team["spend_by_call_type_nano_usd"] == key["spend_by_call_type_nano_usd"]
    assert ann["spend_by_call_type_nano_usd"] == {"responses.create": 2 * TOKENS, "responses.tools": 2 * TOOLS}
