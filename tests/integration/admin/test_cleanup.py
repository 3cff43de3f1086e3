"""Idle stores are deleted: first as a dry run, then for real, each with its records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.secrets import MASTER_KEY
from tests.harnesses.admin import OPENAI, AdminHarness, book_of, storage
from vectorgate.ids import ObjectId
from vectorgate.metering.model import DAY_S, first_sample
from vectorgate.pricing.book import GIB

if TYPE_CHECKING:
    from tests.harnesses.gateway import Connect, GatewayHarness

STORES = (("vs_0", "red", 40), ("vs_1", "blue", 50), ("vs_2", "red", 2), ("vs_3", "red", 90))  # id, team, idle days


@pytest.fixture(autouse=True)
def metered(admin: AdminHarness) -> None:
    """Four stores of red and blue, of a GiB each."""
    now = admin.time.clock().unix_s()
    admin.book = book_of(storage("today", 7))
    for name, team, idle in STORES:
        admin.documents.store(name, name=name, last_active_at=now - idle * DAY_S)
        admin.stores.meters.keep(first_sample(OPENAI, ObjectId(name), GIB, now))
        admin.ask("POST", "/team/new", {"team_id": team})
        admin.ask("POST", "/vector_stores/adopt", {"team_id": team, "ids": [name], "dry_run": False})


def cleaned(admin: AdminHarness, **fields: Any) -> Any:
    status, document = admin.ask("POST", "/vector_stores/cleanup", {"idle_days": 30} | fields)
    assert status == 200, document
    return document


def test_a_dry_run_is_the_default_and_says_what_would_be_saved_a_day(admin: AdminHarness) -> None:
    answer = cleaned(admin)
    assert (answer["dry_run"], answer["outcomes"], answer["cost_per_day_nano_usd"]) == (True, {"deletable": 3}, 21)
    assert [each["id"] for each in answer["data"]] == ["vs_0", "vs_1", "vs_3"]
    assert admin.documents.deleted == []
    assert cleaned(admin, team_id="blue")["cost_per_day_nano_usd"] == 7
    assert cleaned(admin, min_bytes=GIB + 1)["outcomes"] == {}


def test_idle_stores_are_deleted_as_their_owner_with_an_audit_record_before_each(admin: AdminHarness) -> None:
    answer = cleaned(admin, team_id="red", dry_run=False)
    assert (answer["outcomes"], answer["next_cursor"]) == ({"deleted": 2}, None)
    assert admin.documents.deleted == [("vs_0", "team:red", "cleanup"), ("vs_3", "team:red", "cleanup")]
    _, audit = admin.ask("GET", "/audit", action="deleted", table_name="vector_store")
    assert sorted(each["object_id"] for each in audit["audit_logs"]) == ["vs_0", "vs_3"]


def test_what_was_used_meanwhile_stays_and_a_failure_stops_no_other(admin: AdminHarness) -> None:
    admin.documents.stores["vs_0"]["last_active_at"] = admin.time.clock().unix_s()
    del admin.documents.stores["vs_1"]
    answer = cleaned(admin, dry_run=False)
    assert answer["outcomes"] == {"deleted": 1, "not_found": 1, "used_meanwhile": 1}
    assert admin.documents.deleted == [("vs_3", "team:red", "cleanup")]


def test_a_page_and_the_end_of_the_time_say_where_the_next_call_goes_on(admin: AdminHarness) -> None:
    first = cleaned(admin, limit=1)
    assert first["next_cursor"] == "vs_0"
    assert [each["id"] for each in cleaned(admin, limit=2, cursor="vs_0")["data"]] == ["vs_1", "vs_3"]

    def slow() -> None:
        admin.time.skip(3.0)

    admin.documents.reading = slow
    began = cleaned(admin, dry_run=False)
    assert (began["outcomes"], began["next_cursor"]) == ({"deleted": 1}, "vs_0")
    assert cleaned(admin, dry_run=False, cursor="vs_0")["next_cursor"] == "vs_1"
    assert [name for name, *_ in admin.documents.deleted] == ["vs_0", "vs_1"]


@pytest.mark.parametrize("fields", [{"idle_days": 0}, {"limit": 0}, {"dry_run": "no"}, {"provider": "a#b"}])
def test_a_mistake_is_400_and_deletes_nothing(admin: AdminHarness, fields: dict[str, Any]) -> None:
    status, document = admin.ask("POST", "/vector_stores/cleanup", {"idle_days": 30, "dry_run": False} | fields)
    assert (status, document["error"]["param"]) == (400, next(iter(fields)))
    assert admin.documents.deleted == []


def test_a_deletion_is_a_call_of_the_owner_that_is_recorded_and_ends_the_store(
    harness: GatewayHarness, http: Any, connect: Connect
) -> None:
    red = connect(harness.key("sk-red", team="red"))
    store = red.vector_stores.create(name="s")
    harness.stores.meters.keep(first_sample(OPENAI, ObjectId(store.id), GIB, harness.deps.clock.unix_s()))
    harness.time.skip(40 * DAY_S)
    admin = {"authorization": f"Bearer {MASTER_KEY}"}
    path, body = "/vector_stores/cleanup", {"idle_days": 30, "dry_run": False}
    assert http.post(path, headers={"authorization": "Bearer sk-red"}, json=body).status_code == 401
    assert http.post(path, headers=admin, json=body).json()["outcomes"] == {"deleted": 1}
    assert [each.id for each in red.vector_stores.list()] == []
    assert store.id not in harness.openai.stores
    row = next(each for each in harness.rows() if each.operation == "vector_stores.delete")
    assert (row.tenant, row.team_id, row.key_alias, row.tags) == ("team:red", "red", "cleanup", ("cleanup",))
    assert http.post(path, headers=admin, json=body).json()["outcomes"] == {}
