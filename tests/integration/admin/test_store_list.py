"""The administrator lists the stores of any team."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.admin import OPENAI, book_of, storage
from vectorgate.ids import ObjectId
from vectorgate.metering.model import DAY_S, first_sample
from vectorgate.pricing.book import GIB

if TYPE_CHECKING:
    from tests.harnesses.admin import AdminHarness


@pytest.fixture(autouse=True)
def metered(admin: AdminHarness) -> None:
    """Three stores of red and blue, of 0, 10 and 20 bytes, the first used ten days ago, and an unowned one."""
    now = admin.time.clock().unix_s()
    for number, team in enumerate(("red", "blue", "red", None)):
        name = admin.documents.store(
            f"vs_{number}", name=f"n{number}", last_active_at=now - (DAY_S * 10 if not number else 0)
        )
        admin.stores.meters.keep(first_sample(OPENAI, ObjectId(name), number * 10, now))
        if team is not None:
            admin.ask("POST", "/team/new", {"team_id": team})
            body = {"team_id": team, "ids": [name], "dry_run": False}
            assert admin.ask("POST", "/vector_stores/adopt", body)[1]["outcomes"] == {"adopted": 1}


def listed(admin: AdminHarness, **query: str) -> Any:
    status, document = admin.ask("GET", "/admin/vector_stores", **query)
    assert status == 200, document
    return document


def test_the_stores_of_all_teams_are_listed_with_team_bytes_and_idle_days(admin: AdminHarness) -> None:
    shown = [
        (each["id"], each["name"], each["team_id"], each["bytes"], each["idle_days"]) for each in listed(admin)["data"]
    ]
    assert shown == [("vs_0", "n0", "red", 0, 10), ("vs_1", "n1", "blue", 10, 0), ("vs_2", "n2", "red", 20, 0)]


def test_each_store_has_its_state_its_files_and_when_it_expires(admin: AdminHarness) -> None:
    now = admin.time.clock().unix_s()
    files = {"in_progress": 1, "completed": 2, "failed": 3, "cancelled": 0, "total": 6}
    facts = {"status": "in_progress", "file_counts": files, "expires_at": now + DAY_S}
    name = admin.documents.store("vs_9", name="n9", **facts)
    admin.stores.meters.keep(first_sample(OPENAI, ObjectId(name), 1, now))
    admin.ask("POST", "/vector_stores/adopt", {"team_id": "red", "ids": [name], "dry_run": False})
    (last,) = [each for each in listed(admin)["data"] if each["id"] == name]
    assert {field: last[field] for field in facts} == facts
    admin.time.skip(2 * DAY_S)
    assert listed(admin)["data"][-1]["status"] == "expired"


def test_each_store_has_what_it_costs_a_day_at_the_price_of_today(admin: AdminHarness) -> None:
    admin.book = book_of(storage("today", 3 * GIB))
    costs = [(each["cost_per_day_nano_usd"], each["cost_per_day"]) for each in listed(admin)["data"]]
    assert costs == [(0, 0), (30, 3e-08), (60, 6e-08)]
    assert [each["cost_per_day"] for each in listed(admin, provider="azure_ai")["data"]] == []


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"team_id": "red"}, ["vs_0", "vs_2"]),
        ({"team_id": "none"}, []),
        ({"idle_days": "10"}, ["vs_0"]),
        ({"idle_days": "11"}, []),
        ({"min_bytes": "10"}, ["vs_1", "vs_2"]),
        ({"team_id": "red", "min_bytes": "1"}, ["vs_2"]),
        ({"provider": "azure"}, []),
    ],
)
def test_the_list_is_filtered(admin: AdminHarness, query: dict[str, str], names: list[str]) -> None:
    assert [each["id"] for each in listed(admin, **query)["data"]] == names


def test_a_page_says_where_the_next_one_begins(admin: AdminHarness) -> None:
    first = listed(admin, limit="2")
    assert (first["has_more"], first["next_cursor"]) == (True, "vs_1")
    rest = listed(admin, limit="2", cursor="vs_1")
    assert ([each["id"] for each in rest["data"]], rest["next_cursor"]) == (["vs_2"], None)


@pytest.mark.parametrize(
    "query", [{"limit": "1001"}, {"limit": "0"}, {"limit": "x"}, {"idle_days": "-1"}, {"provider": "a#b"}]
)
def test_a_mistake_is_400(admin: AdminHarness, query: dict[str, str]) -> None:
    status, document = admin.ask("GET", "/admin/vector_stores", **query)
    assert (status, document["error"]["param"]) == (400, next(iter(query)))
