"""`GET /admin/panels/...`: the figures of the dashboard's charts, by day, from sums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.ledger import operation_id
from tests.harnesses.admin import DAY, KEY, OPENAI, book_of, calls, meter, storage
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.ids import ObjectId, ObjectKind, TenantId
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.book import GIB
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from tests.harnesses.admin import AdminHarness

BLUE = key_id_of("sk-of-blue")
SEARCH = "vector_stores.search"


@pytest.fixture(autouse=True)
def history(admin: AdminHarness) -> None:
    """Red's key and blue's; the harness's clock began at five o'clock of its day."""
    admin.book = book_of(calls("ours", 7, SEARCH), storage("stored", GIB, 0))
    admin.key(alias="red's")
    admin.stores.keys.add_key(VirtualKey(id=BLUE, created_at=DAY * DAY_S, team_id="blue"))


def called(admin: AdminHarness, number: int, days_ago: int = 0, **fields: Any) -> None:
    """A search that was settled."""
    began = (DAY - days_ago) * DAY_S * 1_000 + number
    values: dict[str, Any] = {"key_id": KEY, "tenant": TenantId("team:red"), "team_id": "red", "provider": OPENAI}
    values |= {"operation": SEARCH, "status_code": 200, "upstream_us": 20_000, "overhead_us": 2_000}
    id_ = operation_id(number, began)
    admin.stores.ledger.begin(LedgerEntry(id=id_, state=State.ANSWERED, started_ms=began, **values | fields))
    admin.settle()


def panel(admin: AdminHarness, name: str, by: str | None = None, **query: str) -> Any:
    status, document = admin.ask("GET", f"/admin/panels/{name}", **({"by": by} if by else {}), **query)
    assert status == 200, document
    return document


def test_requests_refusals_and_upstream_errors_are_counted_by_day(admin: AdminHarness) -> None:
    called(admin, 1)
    called(admin, 2, status_code=429, upstream_us=None)
    called(admin, 3, 1, status_code=502)
    called(admin, 4, 9)
    admin.charge([meter("vs_1", GIB * DAY_S, day=DAY - 1)], DAY - 1)  # which is no request
    assert panel(admin, "requests", days="3") == {
        "days": ["2026-03-02", "2026-03-03", "2026-03-04"],
        "calls": [0, 1, 2],
        "refusals": [0, 0, 1],
        "upstream_errors": [0, 1, 0],
    }


def test_latencies_are_percentiles_of_each_day_and_of_all(admin: AdminHarness) -> None:
    for number in range(20):
        called(admin, number, upstream_us=20_000 if number else 900_000)
    found = panel(admin, "latency", days="2")
    assert found["overhead_ms"]["p50"]["by_day"][0] is None
    assert 1.6 <= found["overhead_ms"]["p50"]["by_day"][1] <= 2.5
    assert 16 <= found["upstream_ms"]["p50"]["all"] <= 25
    assert 630 <= found["upstream_ms"]["p99"]["all"] <= 1_000
    assert found["upstream_ms"]["p99"]["by_day"][1] == found["upstream_ms"]["p99"]["all"]


def test_the_largest_stores_are_shown_by_name_and_the_others_together(admin: AdminHarness) -> None:
    for number in range(1, 8):
        name = f"vs_{number}"
        admin.charge([meter(name, number * GIB * DAY_S, day=DAY - 1)], DAY - 1)
    own(admin, "vs_7", '{"name":"<b>largest</b>"}')
    found = panel(admin, "storage", days="2")
    assert [(each["id"], each["name"]) for each in found["stores"]][:2] == [("vs_7", "<b>largest</b>"), ("vs_6", None)]
    assert [each["bytes"] for each in found["stores"]] == [[number * GIB, 0] for number in (7, 6, 5, 4, 3)]
    assert (found["others"], found["count"]) == ([3 * GIB, 0], 7)


def own(admin: AdminHarness, store: str, snapshot: str) -> None:
    """Write the row of a store of red's."""
    ref = ObjectRef(OPENAI, ObjectKind.VECTOR_STORE, ObjectId(store))
    row = Ownership(ref=ref, tenant=TenantId("team:red"), created_at=DAY * DAY_S, snapshot=snapshot)
    began = DAY * DAY_S * 1_000
    entry = LedgerEntry(id=operation_id(99, began), operation="o", state=State.STARTED, started_ms=began)
    admin.stores.ledger.begin(entry)
    admin.stores.ledger.advance(entry.transition(State.ANSWERED, status_code=200), since=State.STARTED, owned=[row])


def test_searches_are_counted_by_key(admin: AdminHarness) -> None:
    for number in range(3):
        called(admin, number)
    called(admin, 8, key_id=BLUE, tenant=TenantId("team:blue"), team_id="blue")
    found = panel(admin, "searches", days="1")
    assert [(each["key_alias"], each["searches"]) for each in found["keys"]] == [("red's", [3]), (None, [1])]
    assert found["others"] == [0]


def test_a_team_admins_key_sees_its_team_alone(admin: AdminHarness) -> None:
    admin.ask("POST", "/team/new", {"team_id": "blue"})
    lead = admin.ask("POST", "/key/generate", {"role": "team_admin", "team_id": "blue"})[1]["key"]
    called(admin, 1, upstream_us=900_000)
    called(admin, 2, key_id=BLUE, tenant=TenantId("team:blue"), team_id="blue")
    admin.charge([meter("vs_1", GIB * DAY_S, day=DAY - 1)], DAY - 1)
    assert panel(admin, "requests", by=lead, days="1")["calls"] == [1]
    assert panel(admin, "latency", by=lead)["upstream_ms"]["p99"]["all"] < 30
    assert panel(admin, "storage", by=lead)["stores"] == []
    assert [each["api_key"] for each in panel(admin, "searches", by=lead)["keys"]] == [BLUE]


def test_a_window_is_at_most_a_year_and_a_mistake_is_400(admin: AdminHarness) -> None:
    assert len(panel(admin, "requests", days="366")["days"]) == 366
    for query in ({"days": "0"}, {"days": "367"}, {"days": "x"}, {"start_date": "2026-01-01"}):
        assert admin.ask("GET", "/admin/panels/requests", **query)[0] == 400
