"""A deleted team: its keys are gone, its stores stay its own, and no other team gets its id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.admin import KEY, book_of, calls
from vectorgate.admin import team_deletion
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.budgets.model import BudgetScope, Subject
from vectorgate.ids import ObjectId, ObjectKind, ProviderName
from vectorgate.store_errors import StoreUnavailable
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from tests.harnesses.admin import AdminHarness

STORE = ObjectRef(ProviderName("openai"), ObjectKind.VECTOR_STORE, ObjectId("vs_1"))


def done(admin: AdminHarness, path: str, body: object) -> Any:
    """The answer of a call that succeeds."""
    status, document = admin.ask("POST", path, body)
    assert status == 200, document
    return document


@pytest.fixture
def teams(admin: AdminHarness) -> AdminHarness:
    """Red with two keys and a store, and blue with a key."""
    for team in ("red", "blue"):
        done(admin, "/team/new", {"team_id": team})
    for team in ("red", "red", "blue"):
        done(admin, "/key/generate", {"team_id": team})
    admin.documents.store("vs_1")
    done(admin, "/vector_stores/adopt", {"team_id": "red", "all": True, "dry_run": False})
    return admin


def test_a_team_is_deleted_with_its_keys_alone(teams: AdminHarness) -> None:
    answer = done(teams, "/team/delete", {"team_ids": ["red"]})
    assert (answer["deleted_teams"], len(answer["deleted_keys"]), answer["keys_left"]) == (["red"], 2, 0)
    assert [key.team_id for key in teams.stores.keys.all_keys()] == ["blue"]
    assert [team["team_id"] for team in teams.ask("GET", "/team/list")[1]] == ["blue"]
    for method, path, body, query in (
        ("GET", "/team/info", None, {"team_id": "red"}),
        ("POST", "/team/update", {"team_id": "red", "max_budget": 1}, {}),
        ("POST", "/team/unblock", {"team_id": "red"}, {}),
        ("POST", "/team/delete", {"team_ids": ["blue", "red"]}, {}),
    ):
        assert teams.ask(method, path, body, **query)[0] == 404, path
    assert teams.ask("GET", "/team/info", team_id="blue")[0] == 200


def test_its_stores_stay_its_own_until_they_are_transferred_and_its_id_is_not_given_again(teams: AdminHarness) -> None:
    done(teams, "/team/delete", {"team_ids": ["red"]})
    for path, body in (
        ("/team/new", {"team_id": "red"}),
        ("/key/generate", {"team_id": "red"}),
        ("/key/generate", {"team_id": "red", "create_team": True}),
        ("/vector_stores/adopt", {"team_id": "red", "all": True}),
        ("/vector_stores/vs_1/transfer", {"team_id": "red"}),
    ):
        status, document = teams.ask("POST", path, body)
        assert (status, document["error"]["code"]) == (400, "team_deleted"), path
    assert teams.stores.ownership.owners([STORE])[STORE].tenant == "team:red"
    assert done(teams, "/vector_stores/vs_1/transfer", {"team_id": "blue"})["previous_team_id"] == "red"


def test_it_leaves_a_record_for_the_team_and_for_each_key(teams: AdminHarness) -> None:
    done(teams, "/team/delete", {"team_ids": ["red"]})
    records = teams.ask("GET", "/audit", action="deleted")[1]["audit_logs"]
    assert sorted(record["table_name"] for record in records) == ["key", "key", "team"]
    (team,) = (record for record in records if record["table_name"] == "team")
    assert (team["before_value"]["deleted_at"], team["updated_values"]["blocked"]) == (None, True)


def test_a_team_that_only_a_key_or_its_spend_names_is_deleted_too(admin: AdminHarness) -> None:
    admin.key()
    admin.book = book_of(calls("ours", 3))
    admin.call(1)
    assert done(admin, "/team/delete", {"team_ids": ["red"]})["deleted_keys"] == [KEY]
    assert admin.ask("GET", "/team/info", team_id="red")[0] == 404
    assert admin.ask("GET", "/spend/logs", team_id="red")[1][0]["spend_nano_usd"] == 3


def test_a_deletion_that_is_interrupted_or_out_of_time_goes_on_when_it_is_sent_again(
    teams: AdminHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(team_deletion, "SECONDS", 0.0)
        assert done(teams, "/team/delete", {"team_ids": ["red"]})["keys_left"] == 2
    keys = teams.stores.keys
    with monkeypatch.context() as patched:
        left = iter([True])

        def dying(key_id: Any, **audit: Any) -> bool:
            if next(left, False):
                return type(keys).delete_key(keys, key_id, **audit)
            raise StoreUnavailable("killed")

        patched.setattr(keys, "delete_key", dying)
        assert teams.ask("POST", "/team/delete", {"team_ids": ["red"]})[0] == 503
    assert len(done(teams, "/team/delete", {"team_ids": ["red"]})["deleted_keys"]) == 1
    assert teams.ask("POST", "/team/delete", {"team_ids": ["red"]})[0] == 404


def test_a_key_that_the_list_did_not_show_yet_opens_nothing_of_a_deleted_team(teams: AdminHarness) -> None:
    done(teams, "/team/delete", {"team_ids": ["red"]})
    late = VirtualKey(id=key_id_of("sk-late"), created_at=0, team_id="red")
    teams.stores.keys.add_key(late)  # its team's row is blocked
    (row,) = teams.stores.budgets.limits([Subject(BudgetScope.TEAM, "red")]).values()
    assert (row.blocked, row.deleted_at is not None) == (True, True)
    assert len(done(teams, "/team/delete", {"team_ids": ["red"]})["deleted_keys"]) == 1
