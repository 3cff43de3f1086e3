"""Every action asks first, does what it says, and says what it did."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from tests.browser.seed import called
from tests.helpers.waiting import within

if TYPE_CHECKING:
    from tests.browser.dashboard import Dashboard
    from tests.harnesses.local_process import LocalProcess


def key_info(gateway: LocalProcess, alias: str) -> Any:
    """The row of the key with a name."""
    found = called(gateway.url, "GET", f"/key/list?return_full_object=true&key_alias={alias}")
    (row,) = found["keys"]
    return row


def status_of(gateway: LocalProcess, key: str) -> str | None:
    """The error code of a call with a key; None for one that is answered."""
    answer = called(gateway.url, "GET", "/v1/vector_stores", None, key)
    return answer["error"]["code"] if "error" in answer else None


def secret_shown(dashboard: Dashboard) -> str:
    """The secret in the dialog, which is closed then."""
    dialog = dashboard.page.get_by_role("dialog")
    secret = str(dialog.locator("[data-secret]").inner_text())
    dialog.get_by_role("button", name="Done").click()
    dialog.wait_for(state="detached")
    return secret


def test_a_key_is_made_budgeted_blocked_rotated_and_deleted(gateway: LocalProcess, dashboard: Dashboard) -> None:
    dashboard.sign_in(view="keys")
    dashboard.settled()
    fields = {"Name": "made-here", "Team": "search", "Ends after": "30d", "Budget in dollars": "7.5", "Period": "30d"}
    dashboard.act("Make a key", fields, "Make the key")
    first = secret_shown(dashboard)
    row = key_info(gateway, "made-here")
    assert (row["team_id"], row["max_budget"], row["budget_duration"]) == ("search", 7.5, "30d")
    assert status_of(gateway, first) is None

    dashboard.page.get_by_role("searchbox").fill("made-here")
    dashboard.act("Set the budget of made-here", {"Budget in dollars": "9"}, "Set the budget")
    assert dashboard.notice() == "The budget of the key made-here is $9.00."
    dashboard.act("Block made-here", {}, "Block")
    assert dashboard.notice() == "The key made-here was blocked."
    assert (key_info(gateway, "made-here")["max_budget"], status_of(gateway, first)) == (9, "blocked")
    dashboard.act("Unblock made-here", {}, "Unblock")
    assert dashboard.notice() == "The key made-here was unblocked."

    dashboard.act("Rotate made-here", {}, "Rotate")
    second = secret_shown(dashboard)
    assert [status_of(gateway, key) for key in (first, second)] == ["invalid_api_key", None]
    dashboard.act("Delete made-here", {}, "Delete")
    assert dashboard.notice() == "The key made-here was deleted."
    assert status_of(gateway, second) == "invalid_api_key"


def test_an_action_that_is_not_confirmed_changes_nothing(gateway: LocalProcess, dashboard: Dashboard) -> None:
    dashboard.sign_in(view="keys")
    dashboard.settled()
    before = key_info(gateway, "support%20app")
    dashboard.page.get_by_role("searchbox").fill("support app")
    for button in ("Block", "Rotate", "Delete", "Set the budget of"):
        dashboard.page.get_by_role("button", name=f"{button} support app").click()
        dashboard.page.get_by_role("dialog").get_by_role("button", name="Cancel").click()
    assert key_info(gateway, "support%20app") == before
    assert not [call for call in dashboard.calls if call.startswith("POST")]


def test_what_the_gateway_refuses_is_said_in_the_dialog_and_can_be_corrected(dashboard: Dashboard) -> None:
    dashboard.sign_in(view="keys")
    dashboard.settled()
    dashboard.act("Make a key", {"Name": "corrected", "Team": "nowhere"}, "Make the key")
    dialog = dashboard.page.get_by_role("dialog")
    dialog.get_by_role("alert").get_by_text("Unknown team 'nowhere'").wait_for()
    assert "400" in dashboard.said.pop()
    dialog.get_by_label("Team").fill("growth")
    dialog.get_by_role("button", name="Make the key").click()
    assert secret_shown(dashboard).startswith("sk-")


def test_a_team_is_made_gets_a_budget_and_is_blocked(gateway: LocalProcess, dashboard: Dashboard) -> None:
    dashboard.sign_in(view="teams")
    dashboard.settled()
    dashboard.act("Make a team", {"Id": "fresh", "Budget in dollars": "3"}, "Make the team")
    assert dashboard.notice() == "The team fresh was made."
    dashboard.act("Set the budget of fresh", {"Budget in dollars": ""}, "Set the budget")
    assert dashboard.notice() == "The budget of the team fresh is removed."
    dashboard.act("Block fresh", {}, "Block")
    assert dashboard.notice() == "The team fresh was blocked."
    row = called(gateway.url, "GET", "/team/info?team_id=fresh")["team_info"]
    assert (row["max_budget"], row["blocked"]) == (None, True)
    dashboard.act("Unblock fresh", {}, "Unblock")
    assert dashboard.notice() == "The team fresh was unblocked."


def test_an_end_user_gets_a_budget_another_one_and_is_blocked(gateway: LocalProcess, dashboard: Dashboard) -> None:
    dashboard.sign_in(view="customers")
    dashboard.settled()
    dashboard.act("Set a budget", {"End user": "bob", "Budget in dollars": "2"}, "Set the budget")
    assert dashboard.notice() == "The end user bob has a budget."
    dashboard.act("Set the budget of bob", {"Budget in dollars": "4"}, "Set the budget")
    assert dashboard.notice() == "The budget of the end user bob is $4.00."
    dashboard.act("Block bob", {}, "Block")
    assert dashboard.notice() == "The end user bob was blocked."
    row = called(gateway.url, "GET", "/customer/info?end_user_id=bob")
    assert (row["max_budget"], row["blocked"]) == (4, True)
    dashboard.act("Unblock bob", {}, "Unblock")
    assert dashboard.notice() == "The end user bob was unblocked."


def test_a_store_is_shared_shown_and_deleted(gateway: LocalProcess, dashboard: Dashboard) -> None:
    key = called(gateway.url, "POST", "/key/generate", {"team_id": "search"})["key"]
    store = called(gateway.url, "POST", "/v1/vector_stores", {"name": "short-lived"}, key)["id"]
    within(30, lambda: store in str(called(gateway.url, "GET", "/admin/vector_stores?limit=500")))
    dashboard.sign_in(view="stores")
    dashboard.settled()
    dashboard.act("Share short-lived", {"Team": "support", "Permission": "write"}, "Share")
    assert dashboard.notice() == "The store short-lived is shared to write with support."
    dashboard.page.get_by_role("button", name="Show short-lived").click()
    dashboard.page.get_by_role("dialog").get_by_text("support (write)").wait_for()
    dashboard.page.keyboard.press("Escape")
    dashboard.act("Share short-lived", {"Team": "support", "Permission": "none"}, "Share")
    assert dashboard.notice() == "The store short-lived is no longer shared with support."
    dashboard.act("Delete short-lived", {}, "Delete the store")
    assert dashboard.notice() == "The store short-lived was deleted."
    assert (
        called(gateway.url, "GET", f"/v1/vector_stores/{store}", None, key)["error"]["type"] == "invalid_request_error"
    )
    dashboard.row("short-lived").wait_for(state="detached")


def test_stores_without_an_owner_are_adopted(gateway: LocalProcess, dashboard: Dashboard) -> None:
    dashboard.sign_in(view="stores")
    dashboard.settled()
    dashboard.page.get_by_role("button", name="Adopt stores").click()
    dialog = dashboard.page.get_by_role("dialog")
    unowned = dialog.get_by_role("checkbox", name=re.compile("made-elsewhere")).get_attribute("name")
    dialog.get_by_role("checkbox", name=re.compile("made-by-hand")).uncheck()
    dialog.get_by_label("Team").fill("growth")
    dialog.get_by_role("button", name="Adopt", exact=True).click()
    assert dashboard.notice() == "For the team growth: 1 adopted."
    assert called(gateway.url, "GET", f"/admin/vector_stores/{unowned}")["team_id"] == "growth"
    dashboard.page.get_by_role("button", name="Adopt stores").click()
    dialog.get_by_role("checkbox", name=re.compile("made-by-hand")).wait_for()
    assert dialog.get_by_role("checkbox").count() == 1
    dialog.get_by_label("Team").fill("support")
    dialog.get_by_role("button", name="Adopt", exact=True).click()
    assert dashboard.notice() == "For the team support: 1 adopted."
    dashboard.page.get_by_role("button", name="Adopt stores").click()
    assert dashboard.notice() == "Every store of the provider has an owner."


def test_a_request_is_found_by_a_filter_and_shown_in_full(gateway: LocalProcess, dashboard: Dashboard) -> None:
    dashboard.sign_in(view="log")
    dashboard.settled()
    dashboard.page.get_by_text("Filter", exact=True).click()
    dashboard.page.get_by_label("Call", exact=True).fill("vector_stores.search")
    dashboard.page.get_by_label("Team", exact=True).fill("support")
    dashboard.page.get_by_role("button", name="Apply").click()
    dashboard.page.get_by_text("Filter (2)").wait_for()
    dashboard.settled()
    assert set(dashboard.page.locator("tbody tr td:nth-child(2)").all_inner_texts()) == {"vector_stores.search"}
    dashboard.page.get_by_role("button", name=re.compile("Show the request")).first.click()
    facts = dashboard.page.get_by_role("dialog").locator("dl").inner_text()
    (record,) = called(gateway.url, "GET", f"/spend/logs?request_id={facts.split()[1]}")
    for value in (record["call_type"], record["vector_store_id"], f"{record['spend_nano_usd']:,} nano-dollars"):
        assert value in facts
    assert dashboard.findings() == []
    dashboard.page.get_by_role("dialog").get_by_role("link", name=record["vector_store_id"]).click()
    dashboard.page.get_by_text("Filter (1)").wait_for()
    dashboard.page.get_by_role("dialog").wait_for(state="detached")


def test_a_change_is_shown_as_before_and_after(dashboard: Dashboard) -> None:
    dashboard.sign_in(view="audit")
    dashboard.settled()
    dashboard.page.get_by_role("button", name=re.compile("Show the change of")).first.click()
    dialog = dashboard.page.get_by_role("dialog")
    assert dialog.get_by_role("heading").all_inner_texts()[1:] == ["Before", "After"]
    assert dashboard.findings() == []
