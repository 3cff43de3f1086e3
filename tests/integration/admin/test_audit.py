"""What administrators changed is in the audit: who, what, before and after, on both engines."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.secrets import MASTER_KEY
from tests.fakes.clock import FakeClock
from tests.harnesses.admin import book_of, calls
from vectorgate.admin.audited import shown_key, shown_limit
from vectorgate.admin.routes import ROUTES
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import IndexPermission, KeyRole, VirtualKey
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.pricing.money import NanoUSD

if TYPE_CHECKING:
    from tests.harnesses.admin import AdminHarness

GIVEN = {"index_name": "docs", "litellm_params": {"vector_store_index": "real", "vector_store_name": "search"}}


def made(admin: AdminHarness, path: str, body: object) -> Any:
    """The answer of a call that changes something."""
    status, document = admin.ask("POST", path, body)
    assert status == 200, document
    admin.time.skip(1)
    return document


def logs(admin: AdminHarness, **query: str) -> list[dict[str, Any]]:
    """The records of a query, newest first."""
    status, document = admin.ask("GET", "/audit", **query)
    assert status == 200, document
    return list(document["audit_logs"])


class Microseconds(FakeClock):
    """A clock that is a microsecond later each time that it is read."""

    read = 0

    def elapsed(self) -> float:
        self.read += 1
        return self.read / 1_000_000


def test_changes_of_one_millisecond_are_listed_in_their_order(admin: AdminHarness) -> None:
    admin.time = Microseconds()
    names = [f"team-{number}" for number in range(8)]
    for name in names:
        assert admin.ask("POST", "/team/new", {"team_id": name})[0] == 200
    shown = logs(admin)
    assert len({each["updated_at"] for each in shown}) == 1
    assert [each["object_id"] for each in shown] == names[::-1]


def test_every_call_that_changes_something_leaves_its_record(admin: AdminHarness) -> None:
    admin.book = book_of(calls("a", 5))
    admin.call(1)
    admin.book = book_of(calls("b", 9))
    for name in ("vs_1", "vs_2"):
        admin.documents.store(name)
    for team in ("red", "blue", "green"):
        made(admin, "/team/new", {"team_id": team})
    key = made(admin, "/key/generate", {"team_id": "red"})["token"]
    made(admin, "/customer/new", {"user_id": "ann", "max_budget": 1})
    made(admin, "/user/new", {"user_id": "zoe", "auto_create_key": False})
    adopt = {"team_id": "red", "dry_run": False, "ids": ["vs_1", "vs_2"]}
    window = {"start_date": "2026-03-03", "end_date": "2026-03-05", "dry_run": False}
    changes: list[tuple[str, str, object, list[tuple[str, str]]]] = [
        ("/key/update", "/key/update", {"key": key, "key_alias": "n"}, [("updated", key)]),
        ("/key/block", "/key/block", {"key": key}, [("blocked", key)]),
        ("/key/unblock", "/key/unblock", {"key": key}, [("unblocked", key)]),
        ("/key/regenerate", "/key/regenerate", {"key": key}, [("rotated", key)]),
        ("/key/{key}/regenerate", f"/key/{key}/regenerate", {}, [("rotated", key)]),
        ("/key/delete", "/key/delete", {"keys": [key]}, [("deleted", key)]),
        ("/team/update", "/team/update", {"team_id": "red", "max_budget": 3}, [("updated", "red")]),
        ("/team/block", "/team/block", {"team_id": "red"}, [("blocked", "red")]),
        ("/team/unblock", "/team/unblock", {"team_id": "red"}, [("unblocked", "red")]),
        ("/team/delete", "/team/delete", {"team_ids": ["green"]}, [("deleted", "green")]),
        ("/customer/update", "/customer/update", {"user_id": "ann", "alias": "A"}, [("updated", "ann")]),
        ("/customer/block", "/customer/block", {"user_ids": ["ann"]}, [("blocked", "ann")]),
        ("/customer/unblock", "/customer/unblock", {"user_ids": ["ann"]}, [("unblocked", "ann")]),
        ("/v1/indexes", "/v1/indexes", GIVEN, [("created", "docs")]),
        ("/v1/indexes/delete", "/v1/indexes/delete", {"index_name": "docs"}, [("deleted", "docs")]),
        ("/vector_stores/adopt", "/vector_stores/adopt", adopt, [("transferred", "vs_1"), ("transferred", "vs_2")]),
        (
            "/vector_stores/{vector_store_id}/transfer",
            "/vector_stores/vs_1/transfer",
            {"team_id": "blue"},
            [("transferred", "vs_1")],
        ),
        (
            "/vector_stores/{vector_store_id}/share",
            "/vector_stores/vs_1/share",
            {"team_id": "red", "permission": "read"},
            [("shared", "vs_1")],
        ),
        ("/user/update", "/user/update", {"user_id": "zoe", "max_budget": 1}, [("updated", "zoe")]),
        ("/user/delete", "/user/delete", {"user_ids": ["zoe"]}, [("deleted", "zoe")]),
        ("/spend/reprice", "/spend/reprice", window, [("updated", admin.rows()[0].id)]),
    ]
    for route, path, body, expected in changes:
        before = len(logs(admin))
        made(admin, path, body)
        new = logs(admin)[: -before or None]
        assert sorted((each["action"], each["object_id"]) for each in new) == sorted(expected), path
        assert {(each["route"], each["changed_by"]) for each in new} == {(f"POST {route}", "master_key")}
    tried = {path for path, *_ in changes} | {"/team/new", "/key/generate", "/customer/new", "/user/new"}
    tried.add("/vector_stores/cleanup")  # which test_cleanup.py has, and deletes at the provider
    tried.add("/health/services")  # which sends a test message, and changes nothing
    tried |= {f"/admin/dead_letters/{verb}" for verb in ("retry", "drop")}  # which test_dead_letters.py has
    assert tried == {path for method, path in ROUTES if method == "POST"}


def test_a_share_that_is_given_or_taken_back_is_shown_with_who_did(admin: AdminHarness) -> None:
    admin.documents.store("vs_1")
    for team in ("red", "blue"):
        made(admin, "/team/new", {"team_id": team})
    secret = made(admin, "/key/generate", {"team_id": "red"})
    made(admin, "/vector_stores/adopt", {"team_id": "red", "dry_run": False, "all": True})
    share = {"team_id": "blue", "permission": "write"}
    assert admin.ask("POST", "/vector_stores/vs_1/share", share, by=secret["key"])[0] == 200
    admin.time.skip(1)
    assert admin.ask("DELETE", "/vector_stores/vs_1/share", team_id="blue")[0] == 200
    ended, given, *_ = logs(admin, object_id="vs_1")
    assert (given["changed_by_api_key"], given["updated_values"]) == (secret["token"], {"shares": {"blue": "write"}})
    assert (ended["changed_by"], ended["before_value"]) == ("master_key", {"shares": {"blue": "write"}})


def test_a_record_shows_what_differs_and_the_request(admin: AdminHarness) -> None:
    made(admin, "/team/new", {"team_id": "red", "max_budget": 3})
    response = admin.response("POST", "/team/update", {"team_id": "red", "max_budget": 7, "team_alias": "Reds"})
    (new, old) = logs(admin)
    assert new["before_value"] == {"team_alias": None, "max_budget": 3}
    assert new["updated_values"] == {"team_alias": "Reds", "max_budget": 7}
    assert new["request_id"] == response.headers["x-request-id"]
    assert (old["before_value"], old["updated_values"]["max_budget"]) == (None, 3)


def test_what_is_refused_or_only_looked_at_leaves_no_record(admin: AdminHarness) -> None:
    made(admin, "/team/new", {"team_id": "red"})
    admin.documents.store("vs_1")
    assert admin.ask("POST", "/team/new", {"team_id": "red"})[0] == 400
    assert admin.ask("POST", "/key/generate", {"team_id": "rde"})[0] == 400
    assert admin.ask("POST", "/key/delete", {"keys": ["0" * 64]})[0] == 404
    assert admin.ask("POST", "/vector_stores/adopt", {"team_id": "red", "all": True})[0] == 200
    assert admin.ask("GET", "/team/list")[0] == 200
    assert len(logs(admin)) == 1


def test_records_are_filtered_and_paged(admin: AdminHarness) -> None:
    keys = [made(admin, "/key/generate", {})["token"] for _ in range(4)]
    made(admin, "/team/new", {"team_id": "red"})
    made(admin, "/key/block", {"key": keys[1]})
    assert [each["object_id"] for each in logs(admin, table_name="team")] == ["red"]
    assert [each["action"] for each in logs(admin, object_id=keys[1])] == ["blocked", "created"]
    assert [each["object_id"] for each in logs(admin, action="blocked")] == [keys[1]]
    assert len(logs(admin, changed_by_api_key="master_key")) == 6
    assert logs(admin, changed_by_api_key="sk-other") == logs(admin, changed_by="ops") == []
    assert logs(admin, end_date="2020-01-01") == []
    pages: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = admin.ask("GET", "/audit", table_name="key", limit="2", cursor=cursor)[1]
        pages.append(page)
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert [len(page["audit_logs"]) for page in pages] == [2, 2, 1]
    assert [each for page in pages for each in page["audit_logs"]] == logs(admin, table_name="key")
    for query in ({"actor": "x"}, {"action": "read"}, {"limit": "0"}, {"cursor": "x"}, {"start_date": "2020-01-01"}):
        assert admin.ask("GET", "/audit", **query)[0] == 400, query


def test_no_record_is_written_twice_nor_lost_where_several_change_one_row(admin: AdminHarness) -> None:
    """The second writer of a version is refused with its record, and tries again from the new row."""
    made(admin, "/team/new", {"team_id": "red", "max_budget": 1})
    sound: Any = admin.stores.budgets
    overtaken: list[Limit] = []

    class Raced:
        def __getattr__(self, name: str) -> Any:
            return getattr(sound, name)

        def replace_limit(self, subject: Subject, limit: Limit, **more: Any) -> None:
            if not overtaken:
                overtaken.append(limit)
                sound.replace_limit(subject, replace(limit, max_budget=NanoUSD(2_000_000_000)))
            sound.replace_limit(subject, limit, **more)

    raced: Any = Raced()
    admin.stores = replace(admin.stores, budgets=raced)
    made(admin, "/team/update", {"team_id": "red", "max_budget": 5})
    assert [(each["before_value"], each["updated_values"]) for each in logs(admin)[:-1]] == [
        ({"max_budget": 2}, {"max_budget": 5})
    ]


OTHER: dict[str, Any] = {
    "alias": "x",
    "team_id": "x",
    "user_id": "x",
    "expires_at": 9,
    "blocked": True,
    "indexes": {"a": frozenset({IndexPermission.READ})},
    "metadata": '{"a":1}',
    "tags": ("t",),
    "max_budget": NanoUSD(1),
    "soft_budget": NanoUSD(1),
    "budget_duration": "1d",
    "duration": "1d",
    "models": ("m",),
    "allowed_tools": ("t",),
    "max_output_tokens": 99,
    "tpm_limit": 99,
    "rpm_limit": 99,
    "max_parallel_requests": 99,
    "allowed_routes": ("files.list",),
    "allowed_providers": ("openai",),
    "vector_stores": ("vs_1",),
    "read_only": True,
    "role": KeyRole.ADMIN,
    "former_until": 9,
    "deleted_at": 9,
    "email": "a@b.c",
    "store_rules": '{"max_vector_stores":9}',
}
ONLY = {"email": BudgetScope.USER, "store_rules": BudgetScope.TEAM}
# What no administrator sets: a key's hashes, when the row was made, and the count of its writes.
INTERNAL = {"id", "created_at", "since", "version", "secret", "former"}


def test_every_field_that_an_administrator_sets_is_shown_in_the_record() -> None:
    key, limit = VirtualKey(id=key_id_of("sk-a"), created_at=0), Limit(since=0)
    for field in fields(VirtualKey):
        if field.name not in INTERNAL:
            assert shown_key(replace(key, **{field.name: OTHER[field.name]})) != shown_key(key), field.name
    for field in fields(Limit):
        for scope in (BudgetScope.TEAM, BudgetScope.END_USER):
            subject = Subject(ONLY.get(field.name, scope), "a")
            if field.name not in INTERNAL:
                changed = replace(limit, **{field.name: OTHER[field.name]})
                assert shown_limit(subject, changed) != shown_limit(subject, limit), field.name


@pytest.mark.parametrize("grace", [None, "1h"])
def test_no_usable_key_is_in_the_audit(admin: AdminHarness, grace: str | None) -> None:
    first = made(admin, "/key/generate", {"key_alias": "a"})["key"]
    second = made(admin, "/key/regenerate", {"key": first, "grace_period": grace})["key"]
    made(admin, "/key/delete", {"keys": [second]})
    text = json.dumps(logs(admin))
    assert key_id_of(first) in text
    assert not [secret for secret in (first, second, MASTER_KEY) if secret in text]
