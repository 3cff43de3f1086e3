"""An administrator reads and deletes one store of any team, each recorded as an administrator's act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.secrets import MASTER_KEY
from tests.harnesses.admin import OPENAI, AdminHarness, book_of, storage
from vectorgate.budgets.model import BudgetScope
from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.pricing.book import GIB
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect, GatewayHarness

PATH = "/admin/vector_stores/"
ADMIN = {"authorization": f"Bearer {MASTER_KEY}"}


@pytest.fixture(autouse=True)
def owned(admin: AdminHarness) -> None:
    """Red's `vs_0`, which blue may read, of a GiB; `vs_1`, which no team owns."""
    admin.book = book_of(storage("today", 7))
    admin.documents.store("vs_0", name="docs", usage_bytes=GIB, metadata={"vectorgate_operation": "x", "own": "y"})
    admin.documents.store("vs_1")
    for team in ("red", "blue"):
        admin.ask("POST", "/team/new", {"team_id": team})
    admin.ask("POST", "/vector_stores/adopt", {"team_id": "red", "ids": ["vs_0"], "dry_run": False})
    admin.ask("POST", "/vector_stores/vs_0/share", {"team_id": "blue", "permission": "read"})
    admin.time.skip(1)


def audited(admin: AdminHarness, action: str) -> list[tuple[str, str, str]]:
    """Who did it to which store, by which route."""
    logs = admin.ask("GET", "/audit", action=action, table_name="vector_store")[1]["audit_logs"]
    return [(each["changed_by"], each["object_id"], each["route"]) for each in logs]


def test_a_store_is_shown_with_its_owner_shares_and_cost_and_the_reading_is_recorded(admin: AdminHarness) -> None:
    ops = admin.ask("POST", "/key/generate", {"role": "admin", "key_alias": "ops", "duration": "1d"})[1]["key"]
    status, shown = admin.ask("GET", PATH + "vs_0", by=ops)
    assert status == 200
    expected = {"id": "vs_0", "object": "vector_store", "name": "docs", "bytes": GIB, "metadata": {"own": "y"}}
    assert {name: shown[name] for name in expected} == expected
    assert (shown["team_id"], shown["provider"], shown["cost_per_day_nano_usd"]) == ("red", "openai", 7)
    assert [(each["team_id"], each["permission"]) for each in shown["shares"]] == [("blue", "read")]
    assert audited(admin, "retrieved") == [("ops", "vs_0", "GET /admin/vector_stores/{vector_store_id}")]
    admin.ask("GET", "/admin/vector_stores", by=ops, team_id="red")
    assert audited(admin, "listed") == [("ops", "*", "GET /admin/vector_stores")]


def test_a_store_is_deleted_for_its_owner_after_the_record_of_it(admin: AdminHarness) -> None:
    answer = {"id": "vs_0", "object": "vector_store.deleted", "deleted": True, "team_id": "red"}
    assert admin.ask("DELETE", PATH + "vs_0") == (200, answer)
    assert admin.documents.deleted == [("vs_0", "team:red", "administrator")]
    assert audited(admin, "deleted") == [("master_key", "vs_0", "DELETE /admin/vector_stores/{vector_store_id}")]


def test_what_no_team_owns_is_404_and_reaches_neither_provider_nor_audit(admin: AdminHarness) -> None:
    admin.documents.reading = pytest.fail
    for method in ("GET", "DELETE"):
        for name in ("vs_1", "vs_none", "a b", "%2e%2e"):
            status, document = admin.ask(method, PATH + name)
            assert (status, document["error"]["message"]) == (404, f"No vector store found with id '{name}'.")
        assert admin.ask(method, PATH + "vs_0", provider="azure")[0] == 404
        assert admin.ask(method, PATH + "vs_0", provider="a/b")[0] == 400
    assert audited(admin, "retrieved") == audited(admin, "deleted") == []


def test_a_store_that_is_gone_at_the_provider_is_404(admin: AdminHarness) -> None:
    del admin.documents.stores["vs_0"]
    assert (admin.ask("GET", PATH + "vs_0")[0], admin.ask("DELETE", PATH + "vs_0")[0]) == (404, 404)


def test_a_deletion_leaves_what_the_owners_own_leaves_also_of_a_deleted_team(
    harness: GatewayHarness, http: Any, connect: Connect
) -> None:
    red = connect(harness.key("sk-red", team="red"))
    http.post("/team/new", headers=ADMIN, json={"team_id": "red", "max_vector_stores": 5, "rpm_limit": 2})
    by_owner, by_admin = (red.vector_stores.create(name=name).id for name in ("a", "b"))
    harness.time.skip(60)
    red.vector_stores.delete(by_owner)
    assert http.delete(PATH + by_admin, headers={"authorization": "Bearer sk-red"}).status_code == 401
    http.post("/team/delete", headers=ADMIN, json={"team_ids": ["red"]})
    answer = http.delete(PATH + by_admin, headers=ADMIN)
    assert (answer.status_code, answer.json()["deleted"]) == (200, True)
    assert http.delete(PATH + by_admin, headers=ADMIN).status_code == 404
    assert harness.openai.stores == {}
    refs = [ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, ObjectId(name)) for name in (by_owner, by_admin)]
    rows = harness.stores.ownership.owners(refs)
    assert all(rows[ref].retired_at is not None and rows[ref].tenant == "team:red" for ref in refs)
    harness.settle()
    own, other = [each for each in harness.rows() if each.operation == "vector_stores.delete"]
    same = ("state", "spend", "price_id", "tenant", "team_id", "budgets", "status_code", "outcome")
    assert [getattr(own, name) for name in same] == [getattr(other, name) for name in same]
    assert (other.key_alias, other.tags) == ("administrator", ("administrator",))
    assert AdminHarness(harness.stores).balance(BudgetScope.TEAM, "red", "stores").spent == 0


def test_a_read_of_a_team_that_has_no_requests_left_takes_none(
    harness: GatewayHarness, http: Any, connect: Connect
) -> None:
    http.post("/team/new", headers=ADMIN, json={"team_id": "red", "rpm_limit": 1})
    store = connect(harness.key("sk-red", team="red")).vector_stores.create(name="a")
    shown = http.get(PATH + store.id, headers=ADMIN).json()
    assert (shown["name"], shown["team_id"], shown["file_counts"]["total"]) == ("a", "red", 0)
    assert http.delete(PATH + store.id, headers=ADMIN).status_code == 200
