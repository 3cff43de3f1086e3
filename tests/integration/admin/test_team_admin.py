"""A team admin's key: it manages its own team's keys, sees its own team's spend, and nothing else."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.admin import AdminHarness, book_of, calls
from tests.helpers.memory_stores import memory_stores
from vectorgate.admin.routes import ROUTES, TEAM_ROUTES
from vectorgate.auth.keys.model import IndexPermission, VirtualKey
from vectorgate.auth.keys.rights import BOUNDS, GRANTS, exceeding, gains
from vectorgate.ids import KeyId
from vectorgate.pricing.money import NanoUSD

if TYPE_CHECKING:
    from collections.abc import Iterator

OWN = {
    "models": ["gpt-5*"],
    "tpm_limit": 1_000,
    "max_budget": 10,
    "budget_duration": "30d",
    "allowed_vector_store_indexes": [{"index_name": "docs", "index_permissions": ["read"]}],
}


class Teams:
    """Red, with an admin and a key; blue, with a key that has spent."""

    def __init__(self, admin: AdminHarness) -> None:
        self.admin = admin
        admin.book = book_of(calls("ours", 7))
        for team in ("red", "blue"):
            self.done("/team/new", {"team_id": team, "max_budget": 5})
        made = self.done("/key/generate", {"role": "team_admin", "team_id": "red", **OWN})
        self.key, self.token = made["key"], made["token"]
        self.red = self.done("/key/generate", {"team_id": "red"})["token"]
        self.blue = self.done("/key/generate", {"team_id": "blue", "key_alias": "b", "user_id": "bob"})["token"]
        for number, (team, key) in enumerate((("red", self.red), ("blue", self.blue))):
            admin.call(number, key_id=key, tenant=f"team:{team}", team_id=team, budgets=("team/ever",))

    def done(self, path: str, body: object, **by: Any) -> Any:
        """The answer of a call that succeeds."""
        status, document = self.admin.ask("POST", path, body, **by)
        assert status == 200, document
        return document

    def ask(self, method: str, path: str, body: object = None, **query: str) -> tuple[int, Any]:
        """A call with the team admin's key."""
        return self.admin.ask(method, path, body, by=self.key, **query)


@pytest.fixture
def teams() -> Iterator[Teams]:
    """The scene; both engines' rows are the same to it."""
    stores = memory_stores()
    yield Teams(AdminHarness(stores))
    stores.close()


def test_it_manages_its_teams_keys(teams: Teams) -> None:
    made = teams.ask("POST", "/key/generate", {"key_alias": "new"})[1]
    assert (made["team_id"], made["tpm_limit"], made["max_budget"]) == ("red", 1_000, 10)
    for path, body in (
        ("/key/update", {"key_alias": "other", "models": ["gpt-5-mini"], "tags": ["t"]}),
        ("/key/block", {}),
        ("/key/unblock", {}),
        ("/key/regenerate", {}),
    ):
        assert teams.ask("POST", path, {"key": made["token"], **body})[0] == 200, path
    assert teams.ask("GET", "/key/info", key=made["token"])[1]["info"]["key_alias"] == "other"
    assert teams.ask("POST", "/key/delete", {"keys": [made["token"]]})[0] == 200
    assert set(teams.ask("GET", "/key/list")[1]["keys"]) == {teams.token, teams.red}
    (last, *_) = teams.admin.ask("GET", "/audit")[1]["audit_logs"]
    assert (last["changed_by_api_key"], last["action"]) == (teams.token, "deleted")


def test_it_sees_its_teams_spend(teams: Teams) -> None:
    assert teams.ask("GET", "/team/info", team_id="red")[1]["team_info"]["spend_nano_usd"] == 7
    assert [team["team_id"] for team in teams.ask("GET", "/team/list")[1]] == ["red"]
    assert [row["team_id"] for row in teams.ask("GET", "/spend/logs")[1]] == ["red"]
    page = teams.ask("GET", "/key/list", return_full_object="true")[1]
    assert {row["token"]: row["spend_nano_usd"] for row in page["keys"]} == {teams.token: 0, teams.red: 7}


def test_foreign_and_absent_are_the_same_bytes(teams: Teams) -> None:
    absent = "0" * 64
    foreign_row = teams.admin.ask("GET", "/spend/logs", team_id="blue")[1][0]["request_id"]
    absent_row = foreign_row[:-4] + "0000"
    pairs: list[tuple[str, str, Any, Any]] = [
        ("GET", "/key/info", {"key": teams.blue}, {"key": absent}),
        ("GET", "/key/list", {"key_hash": teams.blue}, {"key_hash": absent}),
        ("GET", "/key/list", {"team_id": "blue"}, {"team_id": "none"}),
        ("GET", "/key/list", {"key_alias": "b"}, {"key_alias": "c"}),
        ("GET", "/key/list", {"user_id": "bob"}, {"user_id": "none"}),
        ("GET", "/team/info", {"team_id": "blue"}, {"team_id": "none"}),
        ("GET", "/team/list", {"team_id": "blue"}, {"team_id": "none"}),
        ("GET", "/spend/logs", {"team_id": "blue"}, {"team_id": "none"}),
        ("GET", "/spend/logs", {"api_key": teams.blue}, {"api_key": absent}),
        ("GET", "/spend/logs", {"request_id": foreign_row}, {"request_id": absent_row}),
        ("POST", "/key/generate", {"team_id": "blue"}, {"team_id": "none"}),
        ("POST", "/key/generate", {"team_id": "blue", "create_team": True}, {"team_id": "none", "create_team": True}),
        ("POST", "/key/delete", {"keys": [teams.blue]}, {"keys": [absent]}),
        ("POST", "/key/delete", {"key_aliases": ["b"]}, {"key_aliases": ["c"]}),
        *(
            ("POST", f"/key/{verb}", {"key": teams.blue}, {"key": absent})
            for verb in ("update", "block", "unblock", "regenerate")
        ),
    ]
    rows = list(teams.admin.stores.keys.all_keys())
    for method, path, foreign, missing in pairs:
        answers = [sent(teams, method, path, each) for each in (foreign, missing)]
        assert answers[0] == answers[1], (path, answers)
        assert answers[0][0] in {400, 403, 404} or answers[0][1] in {b"[]", answers[1][1]}
    assert list(teams.admin.stores.keys.all_keys()) == rows


def sent(teams: Teams, method: str, path: str, values: dict[str, Any]) -> tuple[int, bytes]:
    """Status and bytes of an answer, without the name that the caller sent itself."""
    query, body = (values, None) if method == "GET" else ({}, values)
    response = teams.admin.response(method, path, body, by=teams.key, **query)
    return response.status, response.read_body().replace(b"'blue'", b"'none'")


def test_every_other_route_is_refused_the_same_whatever_it_names(teams: Teams) -> None:
    for method, path in sorted(ROUTES.keys() - TEAM_ROUTES):
        answers = {
            teams.admin.response(method, path, body, by=teams.key).read_body() for body in ({}, {"team_id": "red"})
        }
        assert len(answers) == 1, path
        assert b"admin_key_required" in answers.pop(), path


MORE: list[tuple[dict[str, Any], str]] = [
    ({"models": ["*"]}, "models"),
    ({"models": ["gpt*"]}, "models"),
    ({"models": ["gpt-4"]}, "models"),
    ({"tpm_limit": 1_001}, "tpm_limit"),
    ({"max_budget": 11}, "max_budget"),
    ({"budget_duration": "1d", "max_budget": 1}, "budget_duration"),
    ({"allowed_tools": ["mcp"]}, "allowed_tools"),
    ({"allowed_vector_store_indexes": [{"index_name": "docs", "index_permissions": ["write"]}]}, GRANTS["indexes"]),
]


def test_it_gives_no_right_that_it_does_not_have(teams: Teams) -> None:
    for terms, param in MORE:
        for path, body in (("/key/generate", {"key_alias": "more"}), ("/key/update", {"key": teams.red})):
            status, document = teams.ask("POST", path, body | terms)
            assert (status, document["error"]["param"]) == (403, param), (path, terms)
    for role in ({"role": "team_admin", "team_id": "red"}, {"role": "admin", "key_alias": "a", "duration": "1d"}):
        status, document = teams.ask("POST", "/key/generate", role)
        assert (status, document["error"]["code"]) == (403, "admin_key_required")
    teams.done("/key/update", {"key": teams.red, "tpm_limit": 20, "max_budget": 5})
    for cleared in ({"tpm_limit": None}, {"max_budget": None}):
        assert teams.ask("POST", "/key/update", {"key": teams.red, **cleared})[0] == 403
    assert teams.ask("POST", "/key/update", {"key": teams.red, "tpm_limit": 30, "max_budget": 10})[0] == 200


def test_it_names_no_person_whom_no_key_of_its_team_names(teams: Teams) -> None:
    teams.done("/user/new", {"user_id": "zoe", "max_budget": 1, "auto_create_key": False})
    for name in ("bob", "zoe", "unknown"):  # of blue, of no team, of none
        for path, body in (("/key/generate", {}), ("/key/update", {"key": teams.red})):
            status, document = teams.ask("POST", path, body | {"user_id": name})
            assert (status, document["error"]["param"]) == (403, "user_id")
            assert name not in str(document)
    teams.done("/key/generate", {"team_id": "red", "user_id": "ann"})
    for path, body in (("/key/generate", {}), ("/key/update", {"key": teams.red})):
        assert teams.ask("POST", path, body | {"user_id": "ann"})[0] == 200


def test_it_neither_reads_the_secret_nor_revives_a_key_that_may_do_more(teams: Teams) -> None:
    for change in ({"models": ["*"]}, {"blocked": True, "duration": "1d"}):
        teams.done("/key/update", {"key": teams.red, **change})
    for path, body in (
        ("/key/regenerate", {}),
        ("/key/unblock", {}),
        ("/key/update", {"duration": "9d"}),
        ("/key/update", {"blocked": False}),
    ):
        status, document = teams.ask("POST", path, {"key": teams.red, **body})
        assert (status, document["error"]["code"]) == (403, "exceeds_own_rights"), path
    for path, body in (("/key/update", {"key_alias": "n"}), ("/key/update", {"duration": "5s"}), ("/key/block", {})):
        assert teams.ask("POST", path, {"key": teams.red, **body})[0] == 200, path


def test_it_changes_neither_itself_nor_another_admin_of_its_team(teams: Teams) -> None:
    other = teams.done("/key/generate", {"role": "team_admin", "team_id": "red"})["token"]
    for token in (teams.token, other):
        for path in ("/key/update", "/key/block", "/key/unblock", "/key/regenerate"):
            assert teams.ask("POST", path, {"key": token})[0] == 403
        assert teams.ask("POST", "/key/delete", {"keys": [token]})[0] == 403
    assert teams.admin.ask("POST", "/key/generate", {"role": "team_admin"})[0] == 400


def test_it_ends_with_its_team(teams: Teams) -> None:
    teams.done("/team/block", {"team_id": "red"})
    assert teams.ask("GET", "/key/list")[0] == 403
    teams.done("/team/delete", {"team_ids": ["red"]})
    assert teams.ask("GET", "/key/list")[0] == 401


# Fields of which no value lets a key do more, or that a team admin cannot set at all.
NO_RIGHTS = {
    *("id", "created_at", "alias", "user_id", "metadata", "tags", "soft_budget", "version"),
    *("former", "former_until"),
    *("team_id", "role"),  # `TeamPolicy` refuses another one
    *("expires_at", "blocked", "secret"),  # `gains`
}


def test_every_field_of_a_key_is_known_to_bound_it_to_grant_or_to_do_neither() -> None:
    assert {field.name for field in fields(VirtualKey)} == NO_RIGHTS | set(BOUNDS) | set(GRANTS)


def test_rights_compare_fields_as_calls_do() -> None:
    holder = VirtualKey(id=KeyId("h"), created_at=0, models=("a*", "b"), max_budget=NanoUSD(9), budget_duration="2d")
    key = replace(holder, models=("a", "ab*", "b"), allowed_tools=("file_search",))
    assert exceeding(key, holder, None) is None
    assert exceeding(replace(key, models=("b*",)), holder, None) == "models"
    assert exceeding(replace(key, budget_duration=None), holder, None) is None
    assert exceeding(replace(key, max_budget=None), holder, None) == "max_budget"
    wide = replace(key, budget_duration="1d", max_budget=NanoUSD(5))
    assert exceeding(replace(wide, alias="n"), holder, wide) is None
    assert exceeding(replace(wide, max_budget=NanoUSD(6)), holder, wide) == "budget_duration"
    assert exceeding(key, replace(holder, allowed_tools=("*",)), None) is None
    assert exceeding(replace(key, allowed_tools=("*",)), holder, None) == "allowed_tools"
    write = {"i": frozenset({IndexPermission.WRITE})}
    assert exceeding(replace(key, indexes=write), holder, None) == "allowed_vector_store_indexes"
    assert not gains(replace(key, expires_at=9), replace(key, expires_at=8, blocked=True))
    assert gains(replace(key, expires_at=9), key)
