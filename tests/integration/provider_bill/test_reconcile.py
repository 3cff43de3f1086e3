"""The provider's bill beside our records: what both know agrees to the cent, and what passed the gateway by shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes.openai_reports import ADMIN_KEY, DAY, GIB
from tests.fakes.upstream import answer, refusal
from tests.integration.provider_bill.conftest import Account
from vectorgate.api.errors import ApiError
from vectorgate.bootstrap import build_meter
from vectorgate.entrypoints import meter as meter_entrypoint

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect, GatewayHarness


def date(day: int) -> str:
    return datetime.fromtimestamp(day * DAY, UTC).date().isoformat()


def lived(account: Account) -> str:
    """Three days of two stores, one of which grows between two samples, and of searches; the name of the first."""
    first = account.store(3 * GIB)
    account.wait(1)
    for _ in range(3):
        account.ask(first)
        account.until_tomorrow()
    account.store(GIB // 2)
    account.wait(1)
    account.until_tomorrow()
    return first


def test_what_went_through_the_gateway_is_captured(account: Account) -> None:
    first_day = account.today
    lived(account)
    status, found = account.reconcile(start_date=date(first_day + 1), end_date=date(account.today - 1))
    assert (status, found["is_captured"], found["compared_days"]) == (200, True, 3)
    assert found["captured_share"] >= 0.9999
    assert [day["status"] for day in found["days"]] == ["compared"] * 3
    for day in found["days"][:2]:
        assert day["bytes"] == {"provider": 3 * GIB, "ours": 3 * GIB, "difference": 0, "captured_share": 1.0}
        assert day["spend"]["provider"] == pytest.approx(0.2 + 0.0025)
        assert day["spend"]["difference_nano_usd"] == 0
        assert day["file_search_calls"] == {"provider": 1, "ours": 1, "difference": 0, "captured_share": 1.0}
        assert day["lines"]["tokens"]["difference_nano_usd"] in {-1, 0, 1}  # three items here, one rounding there
    assert found["vector_stores"] == []
    assert {item["line"] for item in found["days"][0]["line_items"]} == {"storage", "file_search", "tokens"}


def test_the_stores_and_days_that_passed_the_gateway_by_make_the_difference_up(account: Account) -> None:
    """A store that lived between two samples, one that no tenant owns, and searches by another key."""
    lived(account)
    missed = account.today
    account.reports.days[missed].byte_seconds += DAY * GIB
    account.reports.days[missed].searches["vs_past"] += 40
    account.harness.openai._new_store({"name": "unowned"})["usage_bytes"] = GIB
    account.wait(3_600)  # which is not sampled yet
    account.until_tomorrow()
    status, found = account.reconcile(start_date=date(missed - 1), end_date=date(missed))
    assert (status, found["is_captured"]) == (200, False)
    good, bad = found["days"]
    assert good["captured_share"] >= 0.9999
    assert bad["bytes"]["difference"] >= GIB
    assert bad["captured_share"] < 0.8
    assert bad["spend"]["difference"] == pytest.approx(0.1 + 0.1 / 24 + 40 * 0.0025, rel=0.01)
    past, *others = found["vector_stores"]
    assert (past["vector_store_id"], past["file_search_calls"]["difference"]) == ("vs_past", 40)
    assert found["spend"]["difference_nano_usd"] == sum(day["spend"]["difference_nano_usd"] for day in found["days"])
    assert all(not other["has_owner"] for other in others)


def test_a_store_that_was_only_made_has_its_owner_where_it_was_searched_past_the_gateway(account: Account) -> None:
    made, missed = account.store(0), account.today
    account.reports.days[missed].searches[made] += 2
    account.reports.days[missed].searches["vs_past/.."] += 1
    account.until_tomorrow()
    account.wait(60)
    _, found = account.reconcile(start_date=date(missed), end_date=date(missed))
    owners = {each["vector_store_id"]: each["has_owner"] for each in found["vector_stores"]}
    assert owners == {made: True, "vs_past/..": False}


def test_the_daily_run_counts_what_is_missing_once_a_day_for_the_alarm(account: Account) -> None:
    lived(account)
    telemetry = account.harness.telemetry
    telemetry.counts.clear()
    account.until_tomorrow(7 * 3_600)
    account.wait(60)
    assert telemetry.counts["UncapturedMillionths"] <= 100
    before = len(account.reports.asked)
    account.wait(600)
    assert len(account.reports.asked) == before
    account.reports.days[account.today].byte_seconds += 4 * DAY * GIB
    telemetry.counts.clear()
    account.until_tomorrow(7 * 3_600)
    account.wait(60)
    assert telemetry.counts["UncapturedMillionths"] > 400_000


def test_a_late_day_is_not_missing_and_is_compared_once_it_is_reported(account: Account) -> None:
    lived(account)
    late = account.today - 1
    account.reports.late = {late}
    _, found = account.reconcile()
    assert [day["status"] for day in found["days"]][-1] == "not_reported"
    assert found["is_captured"] is True
    account.harness.telemetry.counts.clear()
    account.until_tomorrow(7 * 3_600)
    account.wait(60)
    assert account.harness.telemetry.counts["UncapturedMillionths"] <= 100
    account.reports.late = set()
    _, found = account.reconcile(start_date=date(late), end_date=date(late))
    assert [day["status"] for day in found["days"]] == ["compared"]


def test_a_day_that_is_not_charged_yet_is_not_compared(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    lived(account)
    monkeypatch.setattr(type(account.meter.sampler), "tick", lambda _: 0)
    account.until_tomorrow()
    _, found = account.reconcile()
    assert [day["status"] for day in found["days"]][-1] == "not_closed"


@pytest.mark.parametrize("fault", [refusal(429, headers={"retry-after": "1"}), refusal(500)])
def test_a_fault_of_the_report_is_waited_out(account: Account, fault: Any) -> None:
    lived(account)
    account.harness.upstream.will(fault)
    status, found = account.reconcile()
    assert (status, found["is_captured"]) == (200, True)


def test_reports_that_cannot_be_read_are_an_alarm_and_are_tried_again_in_an_hour(account: Account) -> None:
    lived(account)
    account.harness.upstream.will(*[refusal(500)] * 3)
    meter, telemetry = account.meter, account.harness.telemetry
    assert meter.bill is not None
    account.harness.time.skip(7 * 3_600)
    assert meter.bill.tick() == 0
    (failure,) = [error for error in telemetry.errors if isinstance(error, ApiError)]
    assert failure.status == 500
    assert meter.bill.tick() == 0
    account.harness.time.skip(3_600)
    assert meter.bill.tick() == 1


def test_the_reports_are_read_with_the_admin_key_alone_of_the_projects_that_its_secret_names(
    harness: GatewayHarness, connect: Connect
) -> None:
    account = Account(harness, connect(harness.key("sk-red", team="red", models=("*",))), project_ids="proj_a,proj_b")
    lived(account)
    harness.upstream.forget()
    assert account.reconcile()[0] == 200
    assert all(received.headers["authorization"] == f"Bearer {ADMIN_KEY}" for received in harness.upstream.received)
    assert {tuple(query["project_ids[]"]) for query in account.reports.asked} == {("proj_a", "proj_b")}
    assert len(harness.upstream.received) == 3 * 4  # seven days, two on a page


BUCKET: dict[str, Any] = {"object": "bucket", "start_time": 0, "end_time": DAY, "results": []}
PAGE: dict[str, Any] = {"object": "page", "data": [], "has_more": False, "next_page": None}
COST: dict[str, Any] = {"line_item": "x", "amount": {"value": 1.5, "currency": "usd"}}
BROKEN: list[tuple[int, dict[str, Any]]] = [  # the report that is broken, and its page
    (0, {**PAGE, "data": [7]}),
    (0, {**PAGE, "data": [{**BUCKET, "results": [{"usage_bytes": -1}]}]}),
    (0, {**PAGE, "data": [{**BUCKET, "results": [{"usage_bytes": 1.5}]}]}),
    (0, {**PAGE, "data": [{**BUCKET, "start_time": "today"}]}),
    (0, {**PAGE, "data": [{**BUCKET, "start_time": 1 << 60}]}),
    (0, {**PAGE, "has_more": True}),
    (1, {**PAGE, "data": [{**BUCKET, "results": [{"num_requests": None}]}]}),
    (2, {**PAGE, "data": [{**BUCKET, "results": [{**COST, "amount": {"value": 1, "currency": "eur"}}]}]}),
    (2, {**PAGE, "data": [{**BUCKET, "results": [{**COST, "amount": {"value": "1", "currency": "usd"}}]}]}),
    (2, {**PAGE, "data": [{**BUCKET, "results": [{**COST, "amount": None}]}]}),
]


def test_a_report_that_is_not_what_openai_documents_is_an_error_and_no_figure(account: Account) -> None:
    for place, page in BROKEN:
        account.harness.upstream.will(*[answer(200, PAGE)] * place, answer(200, page))
        status, found = account.reconcile()
        assert (status, found["error"]["code"]) == (502, "report_unreadable"), page


def test_days_that_are_not_over_and_unknown_parameters_are_refused(account: Account) -> None:
    for query in (
        {"end_date": date(account.today)},
        {"start_date": date(account.today - 40)},
        {"start_date": date(account.today - 1), "end_date": date(account.today - 2)},
    ):
        status, found = account.reconcile(**query)
        assert (status, found["error"]["code"]) == (400, "invalid_value"), query
    status, found = account.reconcile(day="1")
    assert (status, found["error"]["code"], found["error"]["param"]) == (400, "unknown_parameter", "day")


def test_without_an_admin_key_it_is_404_and_the_meter_asks_for_no_report(account: Account) -> None:
    account.meter = build_meter(account.harness.settings, account.harness.deps)
    lived(account)
    account.until_tomorrow(7 * 3_600)
    account.wait(60)
    status, found = account.reconcile()
    assert (status, found["error"]["code"], account.reports.asked) == (404, "admin_key_not_configured", [])


def test_the_meter_function_compares_for_the_admin_function(account: Account) -> None:
    lived(account)
    asked = {"bill": {"first_day": account.today - 1, "last_day": account.today - 1}}
    answered: Any = meter_entrypoint.act(asked, account.meter)
    assert answered["document"]["compared_days"] == 1
    account.harness.upstream.will(*[refusal(403)] * 3)
    refused: Any = meter_entrypoint.act(asked, account.meter)
    assert refused["error"]["status"] == 403
    with pytest.raises(ValueError, match="not days"):
        meter_entrypoint.act({"bill": {"first_day": "x"}}, account.meter)
