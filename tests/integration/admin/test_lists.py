"""The administrator's lists of keys, teams and end users, and what each has spent, on both engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.admin import KEY, book_of, calls
from vectorgate.auth.authenticate import key_id_of
from vectorgate.metering.model import DAY_S

if TYPE_CHECKING:
    from tests.harnesses.admin import AdminHarness


def generated(admin: AdminHarness, **fields: object) -> dict[str, Any]:
    """A new key, of a team that is made if need be. A second passes, so that keys differ in age."""
    fields |= {"create_team": True} if "team_id" in fields else {}
    status, document = admin.ask("POST", "/key/generate", fields)
    assert status == 200, document
    admin.time.skip(1)
    return dict(document)


def listed(admin: AdminHarness, path: str, **query: str) -> Any:
    """The list that is answered."""
    status, document = admin.ask("GET", path, **query)
    assert status == 200, document
    return document


def test_keys_are_listed_newest_first_in_litellms_pages(admin: AdminHarness) -> None:
    hashes = [generated(admin)["token"] for _ in range(23)][::-1]
    first = listed(admin, "/key/list")
    assert first == {"keys": hashes[:10], "total_count": 23, "current_page": 1, "total_pages": 3}
    pages = [listed(admin, "/key/list", page=str(page), size="9")["keys"] for page in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [9, 9, 5, 0]
    assert sum(pages, []) == hashes  # noqa: RUF017  # four pages


def test_a_list_of_keys_is_filtered_by_team_user_alias_hash_and_status(admin: AdminHarness) -> None:
    red = generated(admin, team_id="red", user_id="ann", key_alias="nightly", duration="3d")
    generated(admin, team_id="blue", user_id="bob", key_alias="daily")
    blocked = generated(admin, team_id="blue")
    assert admin.ask("POST", "/key/update", {"key": blocked["key"], "blocked": True})[0] == 200
    for query in (
        {"team_id": "red"},
        {"user_id": "ann"},
        {"key_alias": "nightly"},
        {"key_hash": str(red["token"])},
        {"expires_within": "4d"},
        {"team_id": " red", "user_id": "ann", "status": "active"},
    ):
        assert listed(admin, "/key/list", **query)["keys"] == [red["token"]], query
    assert listed(admin, "/key/list", expires_within="2d")["keys"] == []
    assert listed(admin, "/key/list", team_id="red", user_id="bob")["total_count"] == 0
    assert listed(admin, "/key/list", status="revoked")["keys"] == [blocked["token"]]
    admin.time.skip(4 * DAY_S)
    assert listed(admin, "/key/list", status="expired")["keys"] == [red["token"]]


def test_whole_keys_show_budget_and_exact_spend_and_no_secret(admin: AdminHarness) -> None:
    admin.book = book_of(calls("ours", 2_500_000))
    admin.key(max_budget=5_000_000_000)
    other = generated(admin, key_alias="free")
    admin.call(1, budgets=("key/ever",))
    admin.call(2, key_id=other["token"], tenant=f"key:{other['token']}", team_id=None)
    page = listed(admin, "/key/list", return_full_object="True")
    by_hash = {row["token"]: row for row in page["keys"]}
    assert (by_hash[KEY]["max_budget"], by_hash[KEY]["spend"], by_hash[KEY]["spend_nano_usd"]) == (5, 0.0025, 2_500_000)
    free = by_hash[other["token"]]
    assert (free["max_budget"], free["spend_nano_usd"], free["key_alias"]) == (None, 2_500_000, "free")
    assert other["key"] not in str(page)
    assert listed(admin, "/key/info", key=other["token"])["info"]["spend"] == 0.0025


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/key/list", {"size": "101"}),
        ("/key/list", {"size": "0"}),
        ("/key/list", {"page": "-1"}),
        ("/key/list", {"page": "\u0663"}),
        ("/key/list", {"status": "lost"}),
        ("/key/list", {"team": "red"}),
        ("/key/list", {"team_id": "a#b"}),
        ("/key/list", {"expires_within": "soon"}),
        ("/key/list", {"return_full_object": "perhaps"}),
        ("/team/list", {"user_id": "ann"}),
        ("/team/list", {"page_size": "1000"}),
        ("/customer/list", {"team_id": "red"}),
    ],
)
def test_a_parameter_that_is_unknown_or_makes_no_sense_is_400(
    admin: AdminHarness, path: str, query: dict[str, str]
) -> None:
    status, document = admin.ask("GET", path, **query)
    assert (status, document["error"]["type"]) == (400, "invalid_request_error")
    assert document["error"]["param"] in query


def test_teams_are_a_bare_list_or_a_page_and_hold_those_that_only_keys_name(admin: AdminHarness) -> None:
    assert listed(admin, "/team/list") == []
    admin.key()  # of team red, which nothing made
    assert admin.ask("POST", "/team/new", {"team_id": "green", "team_alias": "Greens", "max_budget": 2})[0] == 200
    bare = listed(admin, "/team/list")
    assert [(team["team_id"], team["max_budget"], team["spend"]) for team in bare] == [
        ("green", 2, 0),
        ("red", None, 0),
    ]
    assert [team["team_id"] for team in listed(admin, "/team/list", team_alias="Greens")] == ["green"]
    assert [team["team_id"] for team in listed(admin, "/team/list", team_id="red")] == ["red"]
    page = listed(admin, "/team/list", page="2", page_size="1")
    assert ([team["team_id"] for team in page["teams"]], page["total"], page["total_pages"]) == (["red"], 2, 2)


def test_end_users_are_listed_with_budget_and_spend(admin: AdminHarness) -> None:
    for name in ("bob", "ann"):
        assert admin.ask("POST", "/customer/new", {"user_id": name, "max_budget": 1, "alias": name.title()})[0] == 200
    admin.book = book_of(calls("ours", 7))
    admin.call(1, end_user="ann", budgets=("end_user/ever",))
    rows = listed(admin, "/customer/list")
    assert [(row["user_id"], row["spend_nano_usd"], row["max_budget"]) for row in rows] == [
        ("ann", 7, 1),
        ("bob", 0, 1),
    ]
    assert [row["user_id"] for row in listed(admin, "/customer/list", alias="Bob")] == ["bob"]
    assert listed(admin, "/customer/list", page="1")["customers"] == rows


def test_end_users_that_were_not_made_are_listed_once_they_have_spent(admin: AdminHarness) -> None:
    admin.book = book_of(calls("ours", 7))
    for at, name in enumerate(("zoë", "ann", "ann"), 1):
        admin.call(at, end_user=name)
    shown = [(row["user_id"], row["spend_nano_usd"], row["max_budget"]) for row in listed(admin, "/customer/list")]
    assert shown == [("ann", 14, None), ("zoë", 7, None)]
    (row,) = listed(admin, "/customer/list", user_id="ann")
    assert (
        row["spend_by_call_type_nano_usd"]
        == admin.ask("GET", "/customer/info", end_user_id="ann")[1]["spend_by_call_type_nano_usd"]
    )


def test_a_team_and_an_end_user_that_spend_without_a_budget_are_shown(admin: AdminHarness) -> None:
    admin.time.skip(40 * DAY_S)  # they spent in an earlier month
    admin.book = book_of(calls("ours", 3))
    admin.call(1, key_id=key_id_of("sk-gone"), end_user="ann")
    admin.call(2, key_id=key_id_of("sk-gone"), end_user="ann")
    team = listed(admin, "/team/info", team_id="red")["team_info"]
    assert (team["team_id"], team["spend_nano_usd"], team["max_budget"], team["blocked"]) == ("red", 6, None, False)
    customer = listed(admin, "/customer/info", end_user_id="ann")
    assert (customer["user_id"], customer["spend_nano_usd"]) == ("ann", 6)


def test_a_team_that_only_a_key_names_is_shown_and_an_unknown_one_is_404(admin: AdminHarness) -> None:
    admin.key()
    assert listed(admin, "/team/info", team_id="red")["team_info"]["spend"] == 0
    for path, query in (("/team/info", {"team_id": "rde"}), ("/customer/info", {"end_user_id": "a#b"})):
        assert admin.ask("GET", path, **query)[0] == 404


def test_more_keys_than_a_page_of_the_engine_are_all_counted(admin: AdminHarness) -> None:
    for number in range(130):
        generated(admin, key_alias=f"k{number}")
    assert listed(admin, "/key/list", size="100")["total_count"] == 130


def test_a_team_without_an_id_gets_one_as_from_litellm(admin: AdminHarness) -> None:
    made = [admin.ask("POST", "/team/new", body)[1]["team_id"] for body in ({"team_alias": "a"}, {"team_id": None})]
    assert len(set(made)) == 2
    assert sorted(team["team_id"] for team in admin.ask("GET", "/team/list")[1]) == sorted(made)
    assert admin.ask("POST", "/team/new", {"team_id": ""})[0] == 400
