"""Changing what a key, a team or an end user may do: what is sent changes, what is not sent stays."""

from __future__ import annotations

from typing import Any

import pytest

from tests.harnesses.admin import KEY, AdminHarness
from vectorgate.auth.keys.model import IndexPermission
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.pricing.money import NanoUSD
from vectorgate.store_errors import StateConflict

TEAM, CUSTOMER = Subject(BudgetScope.TEAM, "red"), Subject(BudgetScope.END_USER, "ann")
EVERYTHING: dict[str, object] = {"max_budget": 1, "soft_budget": 0.5, "budget_duration": "1mo", "metadata": {"a": [1]}}


def granted(admin: AdminHarness, path: str, **body: object) -> Any:
    """The answer to a request that succeeds."""
    status, document = admin.ask("POST", path, body)
    assert status == 200, document
    return document


def test_a_keys_update_changes_what_is_sent_and_leaves_the_rest(admin: AdminHarness) -> None:
    grants = [{"index_name": "i", "index_permissions": ["read"]}]
    made = granted(
        admin,
        "/key/generate",
        key_alias="a",
        team_id="red",
        create_team=True,
        user_id="u",
        duration="1d",
        allowed_vector_store_indexes=grants,
        **EVERYTHING,
    )
    before = admin.ask("GET", "/key/info", key=made["key"])[1]["info"]
    assert granted(admin, "/key/update", key=made["key"])["key"] == made["token"]
    assert admin.ask("GET", "/key/info", key=made["key"])[1]["info"] == before
    shown = granted(admin, "/key/update", key=made["token"], max_budget=2.5, key_alias="b", blocked=True, metadata={})
    changed = {"max_budget": 2.5, "key_alias": "b", "blocked": True, "metadata": {}}
    assert admin.ask("GET", "/key/info", key=made["key"])[1]["info"] == before | changed
    assert {name: shown[name] for name in changed} == changed


def test_null_removes_a_value(admin: AdminHarness) -> None:
    made = granted(admin, "/key/generate", key_alias="a", user_id="u", duration="1d", **EVERYTHING)
    names = ("key_alias", "user_id", "duration", "max_budget", "soft_budget", "budget_duration", "metadata")
    granted(admin, "/key/update", key=made["key"], **dict.fromkeys(names))
    row = admin.stores.keys.key(made["token"])
    assert row is not None
    assert (row.alias, row.user_id, row.expires_at, row.max_budget, row.soft_budget) == (None,) * 5
    assert (row.budget_duration, row.metadata, row.version) == (None, None, 2)
    granted(admin, "/team/new", team_id="red", team_alias="r", **EVERYTHING)
    granted(admin, "/team/update", team_id="red", team_alias=None, **dict.fromkeys(EVERYTHING))
    since = admin.stores.budgets.limits([TEAM])[TEAM].since
    assert admin.stores.budgets.limits([TEAM])[TEAM] == Limit(since=since, version=2)


def test_a_keys_duration_starts_again_and_its_indexes_are_replaced(admin: AdminHarness) -> None:
    made = granted(admin, "/key/generate", duration="1d")
    admin.time.skip(3_600)
    grants = [{"index_name": "j", "index_permissions": ["read", "write"]}]
    granted(admin, "/key/update", key=made["key"], duration="1d", allowed_vector_store_indexes=grants)
    row = admin.stores.keys.key(made["token"])
    assert row is not None
    assert row.expires_at is not None
    assert 86_400 + 3_600 <= row.expires_at - row.created_at < 86_400 + 3_660
    assert row.indexes == {"j": frozenset(IndexPermission)}


@pytest.mark.parametrize(
    ("path", "name", "subject", "alias"),
    [("/team", "team_id", TEAM, "team_alias"), ("/customer", "user_id", CUSTOMER, "alias")],
)
def test_teams_and_customers_update_changes_what_is_sent_and_leaves_the_rest(
    admin: AdminHarness, path: str, name: str, subject: Subject, alias: str
) -> None:
    names = {name: subject.id}
    granted(admin, f"{path}/new", **names, **EVERYTHING, **{alias: "x"})
    since = admin.stores.budgets.limits([subject])[subject].since
    admin.time.skip(40 * 86_400)
    shown = granted(admin, f"{path}/update", **names, max_budget=3, blocked=True)
    assert admin.stores.budgets.limits([subject])[subject] == Limit(
        since=since,
        max_budget=NanoUSD(3 * 10**9),
        soft_budget=NanoUSD(10**9 // 2),
        duration="1mo",
        alias="x",
        blocked=True,
        metadata='{"a":[1]}',
        version=2,
    )
    assert (shown["max_budget"], shown["soft_budget"], shown["blocked"], shown[alias]) == (3, 0.5, True, "x")
    query = {"team_id": "red"} if subject is TEAM else {"end_user_id": "ann"}
    info = admin.ask("GET", f"{path}/info", **query)[1]
    assert info.get("team_info", info)["metadata"] == {"a": [1]}


def test_a_team_or_an_end_user_may_be_made_or_blocked_without_a_budget(admin: AdminHarness) -> None:
    granted(admin, "/team/new", team_id="red", blocked=True)
    assert admin.stores.budgets.limits([TEAM])[TEAM].blocked
    assert granted(admin, "/team/new", team_id="blue", budget_duration="1d")["max_budget"] is None
    assert granted(admin, "/customer/new", user_id="blue")["max_budget"] is None
    assert [each["user_id"] for each in admin.ask("GET", "/customer/list")[1]] == ["blue"]
    message = admin.ask("POST", "/team/new", {"team_id": "blue", "max_budget": 1})[1]["error"]["message"]
    assert message == "'team_id' exists already: change it with POST /team/update."


def test_what_does_not_exist_is_404(admin: AdminHarness) -> None:
    for path, body in (
        ("/key/update", {"key": "sk-absent", "max_budget": 1}),
        ("/team/update", {"team_id": "absent", "max_budget": 1}),
        ("/customer/update", {"user_id": "absent", "max_budget": 1}),
    ):
        assert admin.ask("POST", path, body)[0] == 404


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/key/update", {"key": KEY, "max_budget": -1}),
        ("/key/update", {"key": KEY, "team_id": "blue"}),
        ("/key/update", {"key": KEY, "duration": "soon"}),
        ("/key/update", {"key": KEY, "key_alias": "a#b"}),
        ("/key/update", {"key": KEY, "blocked": "yes"}),
        ("/key/update", {}),
        ("/team/update", {"team_id": "red", "budget_duration": "soon"}),
        ("/team/update", {"team_id": "r#d"}),
        ("/team/update", {"max_budget": 1}),
        ("/customer/update", {"user_id": "ann", "metadata": {"a": "x" * 3_000}}),
        ("/customer/update", {"user_id": "ann", "max_budgets": 1}),
    ],
    ids=str,
)
def test_a_change_that_makes_no_sense_is_400_and_changes_nothing(
    admin: AdminHarness, path: str, body: dict[str, object]
) -> None:
    admin.key()
    granted(admin, "/team/new", team_id="red", max_budget=1)
    granted(admin, "/customer/new", user_id="ann", max_budget=1)
    assert admin.ask("POST", path, body)[0] == 400
    row = admin.stores.keys.key(KEY)
    assert row is not None
    assert row.version == 1
    assert {limit.version for limit in admin.stores.budgets.limits([TEAM, CUSTOMER]).values()} == {1}


@pytest.mark.parametrize(("rounds", "status"), [(1, 200), (3, 200), (4, 409)])
def test_two_concurrent_updates_both_count_or_one_gets_409(
    admin: AdminHarness, monkeypatch: pytest.MonkeyPatch, rounds: int, status: int
) -> None:
    granted(admin, "/team/new", team_id="red", max_budget=1)
    store = admin.stores.budgets
    replace_limit = store.replace_limit
    left = iter(range(rounds))

    def met(subject: Subject, limit: Limit, **audit: Any) -> None:
        if next(left, None) is not None:
            current = store.limits([subject])[subject]
            replace_limit(
                subject, Limit(since=current.since, max_budget=NanoUSD(7), alias="met", version=current.version + 1)
            )
            with pytest.raises(StateConflict):
                replace_limit(subject, limit, **audit)
            raise StateConflict("limit")
        replace_limit(subject, limit, **audit)

    monkeypatch.setattr(store, "replace_limit", met)
    assert admin.ask("POST", "/team/update", {"team_id": "red", "soft_budget": 2})[0] == status
    limit = store.limits([TEAM])[TEAM]
    assert (limit.max_budget, limit.alias) == (7, "met")
    assert limit.soft_budget == (2 * 10**9 if status == 200 else None)
