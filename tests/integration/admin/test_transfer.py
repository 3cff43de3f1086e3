"""A store goes to another team, with files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.secrets import MASTER_KEY
from tests.harnesses.admin import OPENAI
from vectorgate.ids import ObjectId, ObjectKind, TenantId
from vectorgate.tenancy.holders import holders_of
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from tests.harnesses.admin import AdminHarness
    from tests.harnesses.gateway import Connect, GatewayHarness

STORE, FILE = (
    ObjectRef(OPENAI, kind, ObjectId(name))
    for kind, name in ((ObjectKind.VECTOR_STORE, "vs_a"), (ObjectKind.FILE, "file-a"))
)


@pytest.fixture(autouse=True)
def reds(admin: AdminHarness) -> None:
    """A store and a file of team red; blue owns another file."""
    for team in ("red", "blue"):
        admin.ask("POST", "/team/new", {"team_id": team})
    admin.documents.store("vs_a")
    adoption = {"all": True, "dry_run": False}
    admin.ask("POST", "/vector_stores/adopt", {"team_id": "red"} | adoption)
    for team, name in (("red", "file-a"), ("blue", "file-b")):
        admin.documents.file(name)
        admin.ask("POST", "/vector_stores/adopt", {"team_id": team, "object": "file"} | adoption)


def transfer(admin: AdminHarness, name: str = "vs_a", **fields: Any) -> tuple[int, Any]:
    return admin.ask("POST", f"/vector_stores/{name}/transfer", {"team_id": "blue"} | fields)


def test_a_store_and_its_files_move_together_and_each_owner_is_kept_with_its_moment(admin: AdminHarness) -> None:
    status, answer = transfer(admin, file_ids=["file-a"])
    assert (status, answer["previous_team_id"], answer["team_id"], answer["transferred"]) == (200, "red", "blue", 2)
    rows = admin.stores.ownership.owners([STORE, FILE])
    for row in rows.values():
        assert row.tenant == "team:blue"
        assert [holder.tenant for holder in holders_of(row)] == ["team:red", "team:blue"]
    listed = admin.stores.ownership.owned_by(
        TenantId("team:red"), OPENAI, STORE.kind, start=None, ascending=True, limit=9
    )
    assert not listed


def test_what_is_no_name_of_a_provider_is_refused(admin: AdminHarness) -> None:
    for provider in ("0" * 251, "a/b", " "):
        status, answer = transfer(admin, provider=provider)
        assert (status, answer["error"]["param"]) == (400, "provider"), provider


def test_a_transfer_to_the_team_that_has_it_changes_nothing(admin: AdminHarness) -> None:
    before = admin.stores.ownership.owners([STORE])
    assert transfer(admin, team_id="red")[1]["transferred"] == 0
    assert admin.stores.ownership.owners([STORE]) == before


@pytest.mark.parametrize(
    ("name", "fields", "status", "param"),
    [
        ("vs_none", {}, 404, "id"),
        ("vs_a", {"file_ids": ["file-none"]}, 404, "file_ids"),
        ("vs_a", {"file_ids": ["file-b"]}, 400, "file_ids"),
        ("vs_a", {"file_ids": ["file-a", "file-a"]}, 400, "file_ids"),
        ("vs_a", {"team_id": "unknown"}, 400, "team_id"),
        ("vs_a", {"key": "sk-none"}, 400, "key"),
    ],
)
def test_what_cannot_be_transferred_stays(
    admin: AdminHarness, name: str, fields: dict[str, object], status: int, param: str
) -> None:
    answered, document = transfer(admin, name, **fields)
    assert (answered, document["error"]["param"]) == (status, param)
    assert {row.tenant for row in admin.stores.ownership.owners([STORE, FILE]).values()} == {"team:red"}


def test_after_a_transfer_the_store_is_listed_and_searched_by_its_next_owner_alone(
    harness: GatewayHarness, http: Any, connect: Connect
) -> None:
    red, blue = (connect(harness.key(f"sk-{team}", team=team)) for team in ("red", "blue"))
    store = red.vector_stores.create(name="s")
    admin = {"authorization": f"Bearer {MASTER_KEY}"}
    http.post("/team/new", headers=admin, json={"team_id": "blue"})
    path = f"/vector_stores/{store.id}/transfer"
    assert http.post(path, headers={"authorization": "Bearer sk-red"}, json={"team_id": "red"}).status_code == 401
    assert http.post(path, headers=admin, json={"team_id": "blue"}).status_code == 200
    assert [each.id for each in blue.vector_stores.list()] == [store.id]
    assert [each.id for each in red.vector_stores.list()] == []
    assert list(blue.vector_stores.search(store.id, query="q")) == []
    assert http.get(f"/v1/vector_stores/{store.id}", headers={"authorization": "Bearer sk-red"}).status_code == 404
