"""Storage of the running day in `/team/info`, `/key/info` and `/customer/info`."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harnesses.admin import DAY, KEY, USD, AdminHarness, meter
from vectorgate.ids import KeyId, TenantId
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import GIB

INFOS: dict[str, tuple[str, dict[str, str], str | None]] = {
    "key": ("/key/info", {"key": KEY}, "info"),
    "team": ("/team/info", {"team_id": "red"}, "team_info"),
    "customer": ("/customer/info", {"end_user_id": "ann"}, None),
}


def info(admin: AdminHarness, scope: str) -> Any:
    """What the route shows."""
    path, query, within = INFOS[scope]
    status, document = admin.ask("GET", path, **query)
    assert status == 200, document
    return document[within] if within else document


def subjects(admin: AdminHarness, **terms: object) -> None:
    """Red's key, the team red and the end user ann, with a budget of these terms each."""
    admin.key()
    limits: dict[str, object] = {"max_budget": 5, **terms}
    for path, body in (
        ("/key/update", {"key": KEY}),
        ("/team/new", {"team_id": "red"}),
        ("/customer/new", {"user_id": "ann"}),
    ):
        assert admin.ask("POST", path, {**body, **limits})[0] == 200


@pytest.mark.parametrize("scope", INFOS)
def test_what_is_stored_today_shows_before_the_day_is_charged(admin: AdminHarness, scope: str) -> None:
    subjects(admin)
    blue: dict[str, Any] = {"tenant": TenantId("team:blue"), "key_id": KeyId("b" * 64), "end_user": "bob"}
    for mine in (meter("vs_a", 2 * GIB * DAY_S), meter("vs_b", GIB * DAY_S), meter("vs_c", GIB * DAY_S, **blue)):
        admin.stores.meters.keep(mine)
    shown = info(admin, scope)
    # four GiB-days, of which one is free, at $0.10: three quarters of it are red's
    assert (shown["pending_storage_spend_nano_usd"], shown["pending_storage_spend"]) == (225_000_000, 0.225)
    assert (shown["spend"], shown["reserved"]) == (0, 0)
    logged = admin.ask("GET", "/spend/logs", status="pending", end_user="ann")[1]
    assert sum(row["spend_nano_usd"] for row in logged) == 225_000_000


@pytest.mark.parametrize("scope", INFOS)
def test_once_charged_it_is_spent_and_no_longer_pending(admin: AdminHarness, scope: str) -> None:
    subjects(admin)
    day = meter("vs_a", 3 * GIB * DAY_S)
    admin.charge([day])
    shown = info(admin, scope)
    assert (shown["pending_storage_spend_nano_usd"], shown["spend_nano_usd"]) == (0, 2 * USD // 10)


@pytest.mark.parametrize("scope", INFOS)
@pytest.mark.parametrize(("duration", "days"), [("1d", 1), ("1mo", 2), (None, 3)])
def test_only_days_of_the_budgets_period_count(
    admin: AdminHarness, scope: str, duration: str | None, days: int
) -> None:
    """Today, yesterday, and a day of the month before: 2 GiB each, of which one is free."""
    subjects(admin, budget_duration=duration)
    for place, back in enumerate((0, 1, 10)):
        admin.stores.meters.keep(meter(f"vs_{place}", 2 * GIB * DAY_S, day=DAY - back))
    assert info(admin, scope)["pending_storage_spend_nano_usd"] == days * USD // 10


def test_a_key_without_a_budget_shows_all_that_is_pending(admin: AdminHarness) -> None:
    admin.key()
    admin.stores.meters.keep(meter("vs_a", 2 * GIB * DAY_S))
    assert info(admin, "key")["pending_storage_spend_nano_usd"] == USD // 10
