"""Stores and files that were there before the gateway are given to a team."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.ledger import begun, operation_id
from tests.harnesses.admin import DAY, KEY, OPENAI
from vectorgate.ids import ObjectId, ObjectKind, TenantId
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import RecordQuery
from vectorgate.providers.openai import TAG
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.harnesses.admin import AdminHarness
    from vectorgate.audit.model import AuditRecord
    from vectorgate.ledger.assignments import Assignment, AssignmentStore
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.tenancy.ownership import Ownership


class Killed(BaseException):
    """The process ended."""


@dataclass
class Dying:
    """An AssignmentStore whose process is killed at the transaction after `sound`: before it, or (`written`) after."""

    kept: AssignmentStore
    sound: int
    written: bool

    def assign(self, assignments: Sequence[Assignment], *, audit: Sequence[AuditRecord] = ()) -> None:
        """Write, or die."""
        self.sound -= 1
        if self.sound < 0 and not self.written:
            raise Killed
        self.kept.assign(assignments, audit=audit)
        if self.sound < 0:
            raise Killed


@pytest.fixture(autouse=True)
def teams(admin: AdminHarness) -> None:
    """Two teams."""
    for team in ("red", "blue"):
        admin.ask("POST", "/team/new", {"team_id": team})


def adopt(admin: AdminHarness, **fields: Any) -> Any:
    """One call for team red, for real unless said otherwise."""
    status, document = admin.ask("POST", "/vector_stores/adopt", {"team_id": "red", "dry_run": False} | fields)
    assert status == 200, document
    return document


def owners(admin: AdminHarness, *names: str, kind: ObjectKind = ObjectKind.VECTOR_STORE) -> dict[str, Ownership]:
    rows = admin.stores.ownership.owners([ObjectRef(OPENAI, kind, ObjectId(name)) for name in names])
    return {row.ref.id: row for row in rows.values()}


def records(admin: AdminHarness) -> list[LedgerEntry]:
    """The ledger's rows of adoptions."""
    query = RecordQuery(start_ms=DAY * 86_400_000, end_ms=(DAY + 1) * 86_400_000, limit=20_000)
    return [row for row in admin.stores.ledger.search(query) if row.operation.endswith(".adopt")]


def adopt_all(admin: AdminHarness, limit: int = 200) -> None:
    """Call until there is no cursor."""
    cursor: dict[str, str] = {}
    while True:
        answer = adopt(admin, all=True, limit=limit, **cursor)
        if answer["next_cursor"] is None:
            return
        cursor = {"cursor": answer["next_cursor"]}


def check_killed_twice(admin: AdminHarness, count: int, crashes: tuple[int, int]) -> None:
    """Adopt, be killed at those transactions, and adopt again: each store is red's, once."""
    names = [admin.documents.store(f"vs_{number}") for number in range(count)]
    sound = admin.stores
    for transactions, written in zip(crashes, (False, True), strict=True):
        admin.stores = replace(sound, assignments=Dying(sound.assignments, transactions, written))
        with pytest.raises(Killed):
            adopt_all(admin)
    admin.stores = sound
    assert 0 < len(owners(admin, *names)) < count
    adopt_all(admin)
    assert {row.tenant for row in owners(admin, *names).values()} == {TenantId("team:red")}
    assert len(owners(admin, *names)) == count
    assert sorted(row.vector_store_id or "" for row in records(admin)) == sorted(names)
    assert adopt(admin, all=True, limit=5_000)["outcomes"] == {"already_owned": min(count, 5_000)}


def test_a_thousand_stores_are_adopted_once_each_by_calls_that_are_killed_twice(admin: AdminHarness) -> None:
    on_sqlite = "sqlite" in type(admin.stores.ledger).__name__.lower()
    check_killed_twice(admin, *(1_000, (3, 17)) if on_sqlite else (60, (1, 0)))


@pytest.mark.exhaustive
@pytest.mark.timeout(900)
def test_ten_thousand_stores_are_adopted_once_each_by_calls_that_are_killed_twice(admin: AdminHarness) -> None:
    """On SQLite; 200 on the emulated DynamoDB, whose transactions take the longer the more the table holds."""
    on_sqlite = "sqlite" in type(admin.stores.ledger).__name__.lower()
    check_killed_twice(admin, *(10_000, (100, 211)) if on_sqlite else (200, (1, 3)))


def test_a_dry_run_is_the_default_says_what_would_happen_and_writes_nothing(admin: AdminHarness) -> None:
    admin.documents.store("vs_a", name="old", usage_bytes=7)
    status, answer = admin.ask("POST", "/vector_stores/adopt", {"team_id": "red", "all": True})
    assert (status, answer["dry_run"], answer["looked_at"], answer["outcomes"]) == (200, True, 1, {"adoptable": 1})
    shown = answer["data"][0]
    assert (shown["name"], shown["bytes"], shown["outcome"]) == ("old", 7, "adoptable")
    assert not owners(admin, "vs_a")
    assert not records(admin)


def test_an_adopted_store_has_a_team_a_key_an_end_user_and_a_record_that_costs_nothing(admin: AdminHarness) -> None:
    admin.key()
    name = admin.documents.store("vs_a", name="old")
    assert adopt(admin, ids=[name], key=KEY, end_user="ann")["outcomes"] == {"adopted": 1}
    row = owners(admin, name)[name]
    assert (row.tenant, row.key_id, row.end_user) == ("team:red", KEY, "ann")
    assert row.created_at == admin.documents.stores[name]["created_at"]
    admin.settle()
    (record,) = records(admin)
    assert (record.state, record.spend, record.team_id, record.end_user) == (State.SETTLED, 0, "red", "ann")
    assert (record.operation, record.key_id, record.vector_store_id) == ("vector_stores.adopt", KEY, name)


def test_stores_are_selected_by_name_by_metadata_and_by_id(admin: AdminHarness) -> None:
    for number, env in enumerate(("prod", "test", "prod")):
        admin.documents.store(f"vs_{number}", name=f"docs-{number}", metadata={"env": env})
    admin.documents.store("vs_other", name=None)
    assert adopt(admin, metadata={"env": "prod"}, name_pattern="docs-[01]")["outcomes"] == {"adopted": 1}
    assert adopt(admin, name_pattern="docs-*")["outcomes"] == {"adopted": 2, "already_owned": 1}
    answer = adopt(admin, ids=["vs_other", "vs_none"])
    assert [(each["id"], each["outcome"]) for each in answer["data"]] == [
        ("vs_other", "adopted"),
        ("vs_none", "not_found"),
    ]


def test_files_are_adopted_too(admin: AdminHarness) -> None:
    name = admin.documents.file("file-a", filename="a.txt", bytes=3)
    assert adopt(admin, object="file", all=True)["outcomes"] == {"adopted": 1}
    row = owners(admin, name, kind=ObjectKind.FILE)[name]
    assert row.tenant == "team:red"
    assert '"filename":"a.txt"' in (row.snapshot or "")


def test_another_teams_store_is_refused_and_a_deleted_one_stays_deleted(admin: AdminHarness) -> None:
    for name in ("vs_a", "vs_b"):
        admin.documents.store(name)
    adopt(admin, team_id="blue", ids=["vs_a", "vs_b"])
    began = begun(1)
    admin.stores.ledger.begin(began)
    gone = ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, ObjectId("vs_b"))
    done = began.transition(State.ANSWERED, status_code=200)
    admin.stores.ledger.advance(done, since=State.STARTED, retired=[gone], at=9)
    assert adopt(admin, all=True)["outcomes"] == {"deleted": 1, "owned_by_another_team": 1}
    assert {row.tenant for row in owners(admin, "vs_a", "vs_b").values()} == {"team:blue"}


def test_a_store_of_an_open_operation_is_left_to_reconciliation(admin: AdminHarness) -> None:
    began = begun(1)
    admin.stores.ledger.begin(began)
    admin.documents.store("vs_open", metadata={TAG: began.id})
    assert adopt(admin, all=True)["outcomes"] == {"open_operation": 1}
    assert adopt(admin, ids=["vs_open"])["outcomes"] == {"open_operation": 1}
    admin.stores.ledger.advance(began.transition(State.VOIDED, status_code=502), since=State.STARTED)
    assert adopt(admin, all=True)["outcomes"] == {"adopted": 1}


def test_an_object_without_a_tag_is_left_while_an_open_operation_may_have_made_it(admin: AdminHarness) -> None:
    began = begun(1, fuzzy_fingerprint="f").changed(operation="files.create")
    admin.stores.ledger.begin(began)
    admin.documents.file("file-near", created_at=began.started_ms // 1_000)
    admin.documents.file("file-far", created_at=began.started_ms // 1_000 - 86_400)
    assert adopt(admin, object="file", all=True)["outcomes"] == {"adopted": 1, "open_operation": 1}


def test_a_store_of_another_gateway_is_adopted_by_its_id_alone(admin: AdminHarness) -> None:
    admin.documents.store("vs_a", metadata={TAG: operation_id(77)})
    assert adopt(admin, all=True)["outcomes"] == {"another_gateway": 1}
    assert adopt(admin, ids=["vs_a"])["outcomes"] == {"adopted": 1}


def test_a_store_that_got_an_owner_meanwhile_is_not_taken_and_the_others_are_adopted(admin: AdminHarness) -> None:
    for number in range(3):
        admin.documents.store(f"vs_{number}")

    class Overtaken(Dying):
        def assign(self, assignments: Sequence[Assignment], *, audit: Sequence[AuditRecord] = ()) -> None:
            if self.written:
                self.written = False
                admin.stores = sound
                adopt(admin, team_id="blue", ids=["vs_1"])
            self.kept.assign(assignments, audit=audit)

    sound = admin.stores
    admin.stores = replace(sound, assignments=Overtaken(sound.assignments, 9, written=True))
    assert adopt(admin, all=True)["outcomes"] == {"adopted": 2, "owned_by_another_team": 1}
    assert len(records(admin)) == 3


def test_unowned_lists_what_has_no_owner_a_page_at_a_time(admin: AdminHarness) -> None:
    for number in range(5):
        admin.documents.store(f"vs_{number}", name=f"n{number}")
    adopt(admin, ids=["vs_1"])
    status, first = admin.ask("GET", "/vector_stores/unowned", limit="3")
    assert (status, first["has_more"], [each["id"] for each in first["data"]]) == (200, True, ["vs_0", "vs_2"])
    _, second = admin.ask("GET", "/vector_stores/unowned", limit="3", cursor=first["next_cursor"])
    assert (second["has_more"], [each["id"] for each in second["data"]]) == (False, ["vs_3", "vs_4"])
    _, named = admin.ask("GET", "/vector_stores/unowned", name_pattern="n[24]")
    assert [each["id"] for each in named["data"]] == ["vs_2", "vs_4"]


def test_a_call_ends_within_its_time_and_the_next_one_goes_on(admin: AdminHarness) -> None:
    for number in range(250):
        admin.documents.store(f"vs_{number:03}")

    def slow() -> None:
        admin.time.skip(7.0)

    admin.documents.reading = slow
    answer = adopt(admin, all=True, limit=5_000, dry_run=True)
    assert (answer["looked_at"], answer["next_cursor"]) == (200, "vs_199")
    rest = adopt(admin, all=True, limit=5_000, dry_run=True, cursor=answer["next_cursor"])
    assert (rest["outcomes"], rest["next_cursor"]) == ({"adoptable": 50}, None)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({}, "ids"),
        ({"all": True, "name_pattern": "*"}, "ids"),
        ({"all": True, "team_id": "nobody"}, "team_id"),
        ({"all": True, "key": "sk-none"}, "key"),
        ({"all": True, "object": "file_batch"}, "object"),
        ({"all": True, "limit": 5_001}, "limit"),
        ({"all": True, "cursor": "vs/1"}, "cursor"),
        ({"ids": ["vs/1"]}, "ids"),
        ({"ids": ["vs_1"], "cursor": "vs_2"}, "cursor"),
    ],
)
def test_a_mistake_is_400_and_names_its_parameter(admin: AdminHarness, fields: dict[str, object], param: str) -> None:
    status, document = admin.ask("POST", "/vector_stores/adopt", {"team_id": "red"} | fields)
    assert (status, document["error"]["param"]) == (400, param)
