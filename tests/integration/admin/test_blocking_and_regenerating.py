"""Blocking keys, teams and end users, and regenerating keys, on both engines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.admin import DAY, KEY, book_of, calls
from vectorgate.api.errors import Unauthenticated
from vectorgate.auth.authenticate import Authenticator, KeyBlocked, key_id_of
from vectorgate.budgets.model import BudgetScope, Subject
from vectorgate.metering.model import DAY_S

if TYPE_CHECKING:
    from tests.harnesses.admin import AdminHarness
    from vectorgate.auth.keys.model import VirtualKey


def done(admin: AdminHarness, path: str, **body: object) -> Any:
    """The answer of a change that succeeds."""
    status, document = admin.ask("POST", path, body)
    assert status == 200, document
    return document


def opened(admin: AdminHarness, secret: str) -> VirtualKey | None:
    """The key that a secret opens in a process that has cached nothing; None where it is refused."""
    try:
        return Authenticator(admin.stores.keys, admin.time.clock()).authenticate(secret).key
    except Unauthenticated:
        return None


def test_a_blocked_key_is_refused_until_it_is_unblocked(admin: AdminHarness) -> None:
    made = done(admin, "/key/generate")
    assert done(admin, "/key/block", key=made["key"])["blocked"] is True
    with pytest.raises(KeyBlocked):
        opened(admin, made["key"])
    shown = done(admin, "/key/unblock", key=made["token"])
    assert (shown["blocked"], shown["token"]) == (False, made["token"])
    assert opened(admin, made["key"]) is not None
    assert admin.ask("POST", "/key/block", {"key": "sk-unknown"})[0] == 404


def test_a_team_is_blocked_with_its_terms_kept_also_one_that_only_a_key_names(admin: AdminHarness) -> None:
    done(admin, "/team/new", team_id="green", max_budget=3)
    blocked = done(admin, "/team/block", team_id="green")
    assert (blocked["blocked"], blocked["max_budget"]) == (True, 3)
    assert done(admin, "/team/unblock", team_id="green")["blocked"] is False
    admin.key()
    assert done(admin, "/team/block", team_id="red")["blocked"] is True
    red = Subject(BudgetScope.TEAM, "red")
    assert admin.stores.budgets.limits([red])[red].blocked
    assert admin.ask("POST", "/team/block", {"team_id": "unknown"})[0] == 404


def test_end_users_are_blocked_before_they_are_known(admin: AdminHarness) -> None:
    done(admin, "/customer/new", user_id="ann", max_budget=1)
    blocked = done(admin, "/customer/block", user_ids=["ann", "bob "])["blocked_users"]
    assert [(row["user_id"], row["blocked"], row["max_budget"]) for row in blocked] == [
        ("ann", True, 1),
        ("bob", True, None),
    ]
    (bob,) = done(admin, "/customer/unblock", user_ids=["bob"])["unblocked_users"]
    assert bob["blocked"] is False


def test_a_regenerated_key_is_the_same_key_with_another_secret(admin: AdminHarness) -> None:
    first = done(admin, "/key/generate", key_alias="nightly", max_budget=2)
    second = done(admin, "/key/regenerate", key=first["key"])
    assert (second["token"], second["key_alias"], second["max_budget"]) == (first["token"], "nightly", 2)
    assert second["key"] != first["key"]
    assert opened(admin, first["key"]) is None
    key = opened(admin, second["key"])
    assert key is not None
    assert (key.id, key.tenant) == (first["token"], f"key:{first['token']}")  # what it made stays its own
    for presented in (first["key"], second["key"], key_id_of(second["key"])):
        assert admin.ask("GET", "/key/info", key=presented)[1]["key"] == first["token"]
        assert admin.ask("GET", "/key/list", key_hash=presented)[1]["keys"] == [first["token"]]
    assert admin.ask("GET", "/key/list")[1]["total_count"] == 1


def test_a_regeneration_changes_what_is_sent_with_it(admin: AdminHarness) -> None:
    made = done(admin, "/key/generate", duration="1d", max_budget=1, models=["m"], metadata={"a": 1})
    terms = {"max_budget": 100, "metadata": {"team": "core"}, "models": ["n"]}
    shown = done(admin, "/key/regenerate", key=made["key"], duration=None, **terms)
    kept = {name: made[name] for name in ("token", "created_at", "expires", "tags")}
    assert {name: shown[name] for name in (*terms, *kept)} == terms | kept
    row = opened(admin, shown["key"])
    assert row is not None
    assert (row.models, row.version) == (("n",), 2)
    assert opened(admin, made["key"]) is None
    refused = {"key": shown["key"], "max_budget": -1}
    assert admin.ask("POST", "/key/regenerate", refused)[0] == 400
    assert opened(admin, shown["key"]) == row


def test_the_former_secret_opens_until_its_grace_period_ends(admin: AdminHarness) -> None:
    first = done(admin, "/key/generate")
    second = done(admin, "/key/regenerate", key=first["key"], grace_period="2h")
    authenticator = Authenticator(admin.stores.keys, admin.time.clock())
    authenticator.authenticate(first["key"])
    admin.time.skip(2 * 3600 - 2)
    authenticator.authenticate(first["key"])
    admin.time.skip(2)  # the row is cached, and the period ends nevertheless
    with pytest.raises(Unauthenticated):
        authenticator.authenticate(first["key"])
    authenticator.authenticate(second["key"])


def test_another_regeneration_ends_the_grace_period_of_the_first_secret(admin: AdminHarness) -> None:
    first = done(admin, "/key/generate")
    second = done(admin, "/key/regenerate", key=first["key"], grace_period="30d")
    third = done(admin, "/key/regenerate", key=second["key"], grace_period="1h", duration="1d")
    assert [opened(admin, each["key"]) is not None for each in (first, second, third)] == [False, True, True]
    admin.time.skip(DAY_S)
    assert opened(admin, third["key"]) is None


@pytest.mark.parametrize("path", ["/key/delete", "/key/block"])
def test_a_regenerated_key_is_revoked_by_any_of_its_secrets(admin: AdminHarness, path: str) -> None:
    first = done(admin, "/key/generate")
    second = done(admin, "/key/regenerate", key=first["key"], grace_period="30d")
    body = {"keys": [second["key"]]} if path == "/key/delete" else {"key": second["key"]}
    done(admin, path, **body)
    for secret in (first["key"], second["key"]):
        if path == "/key/delete":
            assert opened(admin, secret) is None
        else:
            with pytest.raises(KeyBlocked):
                opened(admin, secret)


def test_keys_are_deleted_by_alias_and_as_litellms_client_sends_it(admin: AdminHarness) -> None:
    first, second, third = (done(admin, "/key/generate", key_alias=alias)["token"] for alias in ("a", "c", "b"))
    assert set(done(admin, "/key/delete", keys=None, key_aliases=["a", "c"])["deleted_keys"]) == {first, second}
    assert done(admin, "/key/delete", keys=[third], key_aliases=None) == {"deleted_keys": [third]}
    for body, expected in (
        ({}, 400),
        ({"keys": None}, 400),
        ({"key_aliases": ["a"]}, 404),
        ({"key_aliases": ["#"]}, 400),
    ):
        assert admin.ask("POST", "/key/delete", body)[0] == expected


def test_the_spend_log_finds_the_records_of_a_regenerated_key_by_any_secret(admin: AdminHarness) -> None:
    admin.book = book_of(calls("ours", 5))
    admin.key(max_budget=1_000)
    admin.call(1, budgets=("key/ever",))
    second = done(admin, "/key/regenerate", key=KEY)
    assert second["spend_nano_usd"] == 5
    window = {"start_date": "2026-03-04", "end_date": "2026-03-04"}
    assert DAY * DAY_S == 1_772_582_400  # 2026-03-04
    rows = admin.ask("GET", "/spend/logs", api_key=second["key"], **window)[1]
    assert [row["api_key"] for row in rows] == [KEY]


def test_no_row_and_no_answer_but_the_first_holds_a_secret(admin: AdminHarness) -> None:
    first = done(admin, "/key/generate", team_id="red", create_team=True)
    second = done(admin, "/key/regenerate", key=first["key"], grace_period="1h")
    listed = admin.ask("GET", "/key/list", return_full_object="true")[1]
    row = admin.stores.keys.key(second["token"])
    for secret in (first["key"], second["key"]):
        assert secret not in json.dumps(listed) + repr(row)


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/key/regenerate", {"key": "sk-unknown"}, 404),
        ("/key/regenerate", {}, 400),
        ("/key/regenerate", {"key": "sk-x", "grace_period": "soon"}, 400),
        ("/key/regenerate", {"key": "sk-x", "new_key": "sk-chosen-by-caller"}, 400),
        ("/key/block", {}, 400),
        ("/team/block", {"team_id": "a#b"}, 400),
        ("/customer/block", {"user_ids": []}, 400),
        ("/customer/block", {"user_ids": ["a#b"]}, 400),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    admin: AdminHarness, path: str, body: dict[str, object], expected: int
) -> None:
    assert admin.ask("POST", path, body)[0] == expected
    assert admin.ask("GET", "/key/list")[1]["total_count"] == 0
