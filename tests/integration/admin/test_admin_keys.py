"""Admin keys: made with the master key, named, expiring, revocable, and good for every admin call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.requests import request_for
from tests.factories.secrets import MASTER_KEY
from vectorgate.api.operations import BY_NAME
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import KeyRole, VirtualKey

if TYPE_CHECKING:
    from tests.harnesses.admin import AdminHarness
    from tests.harnesses.gateway import GatewayHarness

ADMIN = {"role": "admin", "key_alias": "ops-ann", "duration": "7d"}
DAY_S = 86_400


def admin_key(admin: AdminHarness, **terms: object) -> dict[str, Any]:
    """A new admin key: `ops-ann`, and further ones with a number."""
    number = len(admin.stores.keys.all_keys())
    name = {"key_alias": f"ops-ann {number}"} if number else {}
    status, document = admin.ask("POST", "/key/generate", ADMIN | name | terms)
    assert status == 200, document
    return dict(document)


def test_an_admin_key_makes_admin_calls_under_its_name(admin: AdminHarness) -> None:
    key = admin_key(admin)
    assert (key["role"], key["key_alias"]) == ("admin", "ops-ann")
    assert admin.ask("POST", "/team/new", {"team_id": "red"}, by=key["key"])[0] == 200
    (new, *_) = admin.ask("GET", "/audit", by=key["key"])[1]["audit_logs"]
    assert (new["changed_by"], new["changed_by_api_key"], new["object_id"]) == ("ops-ann", key["token"], "red")
    assert [each["object_id"] for each in admin.ask("GET", "/audit", changed_by="ops-ann")[1]["audit_logs"]] == ["red"]


def test_a_restricted_admin_key_calls_what_it_names_and_one_that_only_reads_changes_nothing(
    admin: AdminHarness,
) -> None:
    admin.ask("POST", "/team/new", {"team_id": "red"})
    allowed: list[tuple[dict[str, Any], set[str]]] = [
        ({"read_only": True}, {"GET /team/list", "GET /admin/vector_stores/vs_1"}),
        ({"allowed_routes": ["info_routes"]}, {"GET /team/list", "GET /admin/vector_stores/vs_1"}),
        ({"allowed_routes": ["/team/*"]}, {"GET /team/list", "POST /team/block"}),
        (
            {"allowed_routes": ["/admin/vector_stores/{vector_store_id}"]},
            {"GET /admin/vector_stores/vs_1", "DELETE /admin/vector_stores/vs_1"},
        ),
        (
            {"allowed_routes": ["management_routes"], "read_only": True},
            {"GET /team/list", "GET /admin/vector_stores/vs_1"},
        ),
    ]
    for terms, expected in allowed:
        key = admin_key(admin, **terms)["key"]
        store = "/admin/vector_stores/vs_1"
        calls = [("GET", "/team/list"), ("POST", "/team/block"), ("GET", store), ("DELETE", store)]
        statuses = {call: admin.ask(*call, {"team_id": "red"}, by=key)[0] for call in calls}
        assert {" ".join(call) for call, status in statuses.items() if status != 403} == expected, terms


def test_it_ends_at_its_expiry_and_at_once_when_it_is_revoked(admin: AdminHarness) -> None:
    revocations = (("/key/block", "key", 403), ("/key/delete", "keys", 401), ("/key/regenerate", "key", 401))
    for path, field, expected in revocations:
        key = admin_key(admin)["key"]
        assert admin.ask("GET", "/key/list", by=key)[0] == 200
        assert admin.ask("POST", path, {field: [key] if field == "keys" else key})[0] == 200
        assert admin.ask("GET", "/key/list", by=key)[0] == expected, path
    key = admin_key(admin)["key"]
    admin.time.skip(7 * DAY_S)
    assert admin.ask("GET", "/key/list", by=key)[0] == 401


def test_only_the_master_key_makes_changes_and_revokes_admin_keys(admin: AdminHarness) -> None:
    one, other = admin_key(admin), admin_key(admin)
    calls: list[tuple[str, object]] = [
        ("/key/generate", ADMIN | {"key_alias": "third"}),
        ("/key/update", {"key": other["token"], "duration": "99d"}),
        ("/key/update", {"key": one["token"], "duration": "99d"}),
        ("/key/regenerate", {"key": other["token"]}),
        ("/key/block", {"key": other["token"]}),
        ("/key/unblock", {"key": one["token"]}),
        ("/key/delete", {"keys": [other["token"]]}),
        ("/key/delete", {"key_aliases": ["ops-ann"]}),
    ]
    rows = admin.stores.keys.all_keys()
    for path, body in calls:
        status, document = admin.ask("POST", path, body, by=one["key"])
        assert (status, document["error"]["code"]) == (403, "master_key_required"), path
    assert admin.stores.keys.all_keys() == rows


@pytest.mark.parametrize(
    ("terms", "param"),
    [
        ({"key_alias": None}, "key_alias"),
        ({"duration": None}, "duration"),
        ({"team_id": "red", "create_team": True}, "team_id"),
        ({"role": "root"}, "role"),
    ],
)
def test_an_admin_key_has_a_name_an_end_and_no_team(admin: AdminHarness, terms: dict[str, Any], param: str) -> None:
    status, document = admin.ask("POST", "/key/generate", ADMIN | terms)
    assert (status, document["error"]["param"]) == (400, param)
    assert list(admin.stores.keys.all_keys()) == []


def test_an_admin_key_keeps_its_name_and_its_end(admin: AdminHarness) -> None:
    key = admin_key(admin)["token"]
    for change in ({"duration": None}, {"key_alias": None}):
        assert admin.ask("POST", "/key/update", {"key": key, **change})[0] == 400


def test_what_is_no_admin_key_is_told_so_whether_it_exists_or_not(admin: AdminHarness) -> None:
    admin.stores.keys.add_key(VirtualKey(id=key_id_of("sk-client"), created_at=0))
    answers = [admin.response("GET", "/key/list", by=key).read_body() for key in ("sk-client", "sk-none", "x" * 600)]
    assert len(set(answers)) == 1
    assert b"master key or an admin key" in answers[0]


def test_a_key_for_administration_makes_no_calls_of_the_api(harness: GatewayHarness) -> None:
    for role, team in ((KeyRole.ADMIN, None), (KeyRole.TEAM_ADMIN, "red")):
        key = harness.key(f"sk-{role}", team=team, role=role)
        response = harness.gateway.handle(request_for(BY_NAME["vector_stores.list"], {}, key=key))
        assert response.status == 403, key
        assert b"admin_key" in response.read_body()
    assert harness.upstream.calls == 0


def test_the_master_key_is_no_key_of_the_table(admin: AdminHarness) -> None:
    admin_key(admin)
    assert admin.stores.keys.key(key_id_of(MASTER_KEY)) is None
