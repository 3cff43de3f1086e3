"""People: made with a key, shown with their keys, teams and spend, as LiteLLM does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.harnesses.admin import book_of, calls

if TYPE_CHECKING:
    from tests.harnesses.admin import AdminHarness


def made(admin: AdminHarness, path: str, **body: object) -> Any:
    """The answer of a call that succeeds."""
    status, document = admin.ask("POST", path, body)
    assert status == 200, document
    admin.time.skip(1)
    return document


def test_a_person_is_made_with_a_key_and_shown_with_keys_teams_and_spend(admin: AdminHarness) -> None:
    admin.book = book_of(calls("ours", 7))
    made(admin, "/team/new", team_id="red")
    ann = made(admin, "/user/new", user_id=" ann", user_email="ann@red.example", user_alias="Ann", teams=["red"])
    assert ann["key"].startswith("sk-")
    assert (ann["user_id"], ann["team_id"], ann["user_role"], ann["teams"]) == ("ann", "red", "internal_user", ["red"])
    second = made(admin, "/key/generate", user_id="ann", max_budget=1)["token"]
    for number, key in enumerate((ann["token"], second)):
        admin.call(number, key_id=key, budgets=("key/ever",) if key == second else ())
    info = admin.ask("GET", "/user/info", user_id="ann")[1]
    assert {key["token"] for key in info["keys"]} == {ann["token"], second}
    assert (info["user_info"]["spend_nano_usd"], info["user_info"]["user_email"]) == (14, "ann@red.example")
    assert info["teams"] == [{"team_id": "red"}]
    assert ann["key"] not in str(info)


def test_people_are_listed_also_those_whom_only_keys_name(admin: AdminHarness) -> None:
    generated = made(admin, "/user/new", auto_create_key=False, user_email="x@y.example", metadata={"cost": "7"})
    assert (generated["key"], generated["metadata"]) == (None, {"cost": "7"})
    made(admin, "/key/generate", user_id="bob")
    page = admin.ask("GET", "/user/list", page_size="1", page="2")[1]
    assert (page["total"], page["total_pages"], len(page["users"])) == (2, 2, 1)
    (found,) = admin.ask("GET", "/user/list", user_email="x@y.example")[1]["users"]
    assert (found["user_id"], found["key_count"]) == (generated["user_id"], 0)
    (bob,) = admin.ask("GET", "/user/list", user_ids="bob,nobody-known")[1]["users"]
    assert (bob["user_id"], bob["user_email"], bob["key_count"]) == ("bob", None, 1)
    assert admin.ask("GET", "/user/info", user_id="bob")[1]["user_info"]["spend"] == 0


def test_what_cannot_be_kept_is_refused_and_makes_nothing(admin: AdminHarness) -> None:
    made(admin, "/user/new", user_id="ann")
    keys = len(admin.stores.keys.all_keys())
    for body, param in (
        ({"user_id": "ann"}, "user_id"),
        ({"user_id": "bob", "user_role": "proxy_admin"}, "user_role"),
        ({"user_id": "bob", "max_budget": -5}, "max_budget"),
        ({"user_id": "bob", "budget_duration": "soon"}, "budget_duration"),
        ({"user_id": "bob", "team_id": "unknown"}, "team_id"),
        ({"user_id": "a#b"}, "user_id"),
    ):
        status, document = admin.ask("POST", "/user/new", body)
        assert (status, document["error"]["param"]) == (400, param)
    assert [admin.ask("GET", "/user/info", **query)[0] for query in ({"user_id": "bob"}, {})] == [404, 400]
    assert admin.ask("GET", "/user/list", team="red")[0] == 400
    assert len(admin.stores.keys.all_keys()) == keys
    assert [each["object_id"] for each in admin.ask("GET", "/audit", table_name="user")[1]["audit_logs"]] == ["ann"]


def test_a_person_is_changed_deleted_with_their_keys_and_made_anew(admin: AdminHarness) -> None:
    key = made(admin, "/user/new", user_id="ann", user_email="a@b.example", max_budget=5, rpm_limit=9)["token"]
    changed = made(admin, "/user/update", user_id="ann", max_budget=None, soft_budget=2, user_alias="Ann")
    data = changed["data"]
    assert (changed["user_id"], data["max_budget"], data["soft_budget"], data["user_alias"]) == ("ann", None, 2, "Ann")
    assert (data["user_email"], data["rpm_limit"]) == ("a@b.example", 9)
    bob = made(admin, "/key/generate", user_id="bob")["token"]
    assert made(admin, "/user/update", user_id="bob", max_budget=1)["data"]["max_budget"] == 1
    assert admin.ask("POST", "/user/update", {"user_id": "none", "max_budget": 1})[0] == 404
    assert admin.ask("POST", "/user/delete", {"user_ids": ["bob", "none"]})[0] == 404
    gone = made(admin, "/user/delete", user_ids=["ann", "bob"])
    assert (gone["deleted_users"], sorted(gone["deleted_keys"])) == (["ann", "bob"], sorted([key, bob]))
    assert gone["keys_left"] == 0
    assert admin.ask("GET", "/user/info", user_id="ann")[0] == 404
    assert admin.ask("GET", "/user/list")[1]["total"] == 0
    assert made(admin, "/user/new", user_id="ann", auto_create_key=False)["max_budget"] is None
    logs = admin.ask("GET", "/audit", table_name="user", object_id="ann")[1]["audit_logs"]
    assert [each["action"] for each in logs] == ["created", "deleted", "updated", "created"]
    assert (logs[1]["before_value"]["user_email"], logs[1]["updated_values"]["user_email"]) == ("a@b.example", None)


def test_lists_have_lines_where_they_cost_no_read(admin: AdminHarness) -> None:
    admin.book = book_of(calls("ours", 7))
    made(admin, "/team/new", team_id="red")
    free = made(admin, "/key/generate", user_id="ann")["token"]
    bound = made(admin, "/key/generate", user_id="ann", max_budget=1)["token"]
    for number, key in enumerate((free, bound)):
        admin.call(number, key_id=key, end_user="eve", budgets=("key/ever",) if key == bound else ())
    line = {"vector_stores.create": 7}
    keys = admin.ask("GET", "/key/list", return_full_object="true")[1]["keys"]
    assert {key["token"]: key["spend_by_call_type_nano_usd"] for key in keys} == {free: line, bound: None}
    info = admin.ask("GET", "/user/info", user_id="ann")[1]
    assert info["user_info"]["spend_by_call_type_nano_usd"] == {"vector_stores.create": 14}
    assert admin.ask("GET", "/team/list")[1][0]["spend_by_call_type_nano_usd"] is None
