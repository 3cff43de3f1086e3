"""Forms of LiteLLM's management API that its own clients use: a key's own row, a key in the path, names of one key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.harnesses.admin import AdminHarness
from vectorgate.persistence.sqlite import open_stores

if TYPE_CHECKING:
    import pytest


def done(admin: AdminHarness, path: str, body: object) -> Any:
    """The document of a call that succeeds."""
    status, document = admin.ask("POST", path, body)
    assert status == 200, document
    return document


def test_a_key_sees_its_own_row_and_no_other(admin: AdminHarness) -> None:
    done(admin, "/team/new", {"team_id": "red"})
    own = done(admin, "/key/generate", {"team_id": "red", "key_alias": "mine"})
    other = done(admin, "/key/generate", {"team_id": "red"})
    whole = admin.ask("GET", "/key/info", key=own["token"])
    for named in ({}, {"key": own["key"]}, {"key": own["token"]}):
        assert admin.ask("GET", "/key/info", by=own["key"], **named) == whole
    assert whole[1]["info"]["key_alias"] == "mine"
    foreign, absent = (admin.ask("GET", "/key/info", by=own["key"], key=key) for key in (other["token"], "sk-none"))
    assert foreign == absent
    assert foreign[0] == 404
    assert admin.ask("GET", "/key/list", by=own["key"])[0] == 401
    done(admin, "/key/block", {"key": own["key"]})
    assert admin.ask("GET", "/key/info", by=own["key"])[1]["error"]["code"] == "blocked"
    assert admin.ask("GET", "/key/info", by="sk-none")[0] == 401


def test_a_key_in_the_path_is_regenerated(admin: AdminHarness) -> None:
    first = done(admin, "/key/generate", {"key_alias": "a"})
    second = done(admin, f"/key/{first['key']}/regenerate", {"key_alias": "b"})
    assert (second["token"], second["key_alias"]) == (first["token"], "b")
    third = admin.response("POST", f"/key/{first['token']}/regenerate")
    assert third.status == 200
    assert admin.ask("POST", "/key/sk-none/regenerate", {})[0] == 404
    status, document = admin.ask("POST", f"/key/{first['token']}/regenerate", {"key": "sk-other"})
    assert (status, document["error"]["param"]) == (400, "key")


def test_an_alias_is_one_keys(admin: AdminHarness) -> None:
    first, second = (done(admin, "/key/generate", {"key_alias": name}) for name in ("a", "b"))
    expected = "Key with alias 'a' already exists. Unique key aliases across all keys are required."
    for path, body in (
        ("/key/generate", {"key_alias": " a"}),
        ("/key/update", {"key": second["key"], "key_alias": "a"}),
        ("/key/regenerate", {"key": second["key"], "key_alias": "a"}),
        ("/user/new", {"user_id": "ann", "key_alias": "a"}),
    ):
        status, document = admin.ask("POST", path, body)
        assert (status, document["error"]["message"], document["error"]["param"]) == (400, expected, "key_alias"), path
    done(admin, "/key/update", {"key": first["key"], "key_alias": "a", "models": ["m"]})
    done(admin, "/key/delete", {"keys": [first["key"]]})
    done(admin, "/key/update", {"key": second["key"], "key_alias": "a"})


def test_of_two_calls_that_name_a_key_at_once_one_is_refused(
    admin: AdminHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (done(admin, "/key/generate", {"key_alias": name}) for name in ("a", "b"))
    monkeypatch.setattr(type(admin.stores.keys), "all_keys", lambda _: [])  # as a list that lags
    for path, body in (
        ("/key/generate", {"key_alias": "a"}),
        ("/key/update", {"key": second["key"], "key_alias": "a"}),
        ("/key/regenerate", {"key": second["key"], "key_alias": "a"}),
        ("/user/new", {"user_id": "ann", "key_alias": "a"}),
    ):
        status, document = admin.ask("POST", path, body)
        assert (status, document["error"]["code"], document["error"]["param"]) == (400, "already_exists", "key_alias")
    team_admin = done(admin, "/key/generate", {"role": "team_admin", "team_id": "red", "create_team": True})["key"]
    foreign = {"team_id": "red", "key_alias": "a"}  # another team's, of which a team's admin learns nothing
    assert admin.ask("POST", "/key/generate", foreign, by=team_admin)[0] == 200
    assert admin.ask("POST", "/key/generate", foreign, by=team_admin)[0] == 400
    done(admin, "/key/delete", {"keys": [first["key"]]})
    done(admin, "/key/update", {"key": second["key"], "key_alias": "a"})


def test_a_team_is_shown_with_its_keys(admin: AdminHarness) -> None:
    done(admin, "/team/new", {"team_id": "red"})
    own = [done(admin, "/key/generate", {"team_id": "red"})["token"] for _ in range(2)]
    done(admin, "/key/generate", {})
    found = admin.ask("GET", "/team/info", team_id="red")[1]
    assert {each["token"] for each in found["keys"]} == {*own}
    assert found["team_memberships"] == []
    assert found["team_info"]["team_id"] == "red"


def test_an_end_user_that_is_named_in_the_list_is_the_only_one_that_is_summed_up() -> None:
    admin = AdminHarness(open_stores())
    for number, name in enumerate(("ann", "bob")):
        admin.call(number, end_user=name)
    asked: list[Any] = []
    reports = admin.stores.reports
    sums = reports.sums
    reports.sums = lambda query: asked.append(query) or sums(query)  # type: ignore[method-assign,func-returns-value]
    (row,) = admin.ask("GET", "/customer/list", user_id="bob")[1]
    assert (row["user_id"], [query.ids for query in asked]) == ("bob", [frozenset({"bob"})])
    assert [each["user_id"] for each in admin.ask("GET", "/customer/list")[1]] == ["ann", "bob"]


def test_tags_of_shares_are_no_tags_of_calls() -> None:
    admin = AdminHarness(open_stores())
    admin.call(1, operation="vector_stores.share", tags=("team:blue", "permission:read"))
    admin.call(2, tags=("billing",))
    window = {"start_date": "2026-03-01", "end_date": "2026-03-05"}
    assert [row["individual_request_tag"] for row in admin.ask("GET", "/spend/tags", **window)[1]] == ["billing"]
    assert admin.disagreements() == []
