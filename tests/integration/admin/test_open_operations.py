"""`GET /admin/open_operations`: what is open, the oldest first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.factories.ledger import operation_id
from tests.fakes.clock import EPOCH
from vectorgate.ids import ObjectId, TenantId
from vectorgate.ledger.entry import LedgerEntry, State

if TYPE_CHECKING:
    from tests.harnesses.admin import AdminHarness


def begun(admin: AdminHarness, number: int, state: State, **fields: Any) -> LedgerEntry:
    """A call in a state, begun so many minutes before the harness's clock began."""
    started_ms = (int(EPOCH) - 60 * number) * 1_000
    entry = LedgerEntry(
        id=operation_id(number, started_ms),
        state=state,
        started_ms=started_ms,
        operation="vector_stores.create",
        tenant=TenantId("team:red"),
        team_id="red",
        **fields,
    )
    admin.stores.ledger.begin(entry)
    return entry


def test_what_is_open_or_waits_for_settlement_is_listed_with_its_age_the_oldest_first(admin: AdminHarness) -> None:
    started = begun(admin, 5, State.STARTED)
    waiting = begun(admin, 9, State.ANSWERED, status_code=200, vector_store_id=ObjectId("vs_1"))
    admin.call(1)  # which is settled
    status, page = admin.ask("GET", "/admin/open_operations")
    assert status == 200
    assert [(each["request_id"], each["state"]) for each in page["data"]] == [
        (waiting.id, "answered"),
        (started.id, "started"),
    ]
    assert [each["age_seconds"] // 60 for each in page["data"]] == [9, 5]
    assert page["has_more"] is False


def test_a_page_says_that_there_is_more_and_a_mistake_is_400(admin: AdminHarness) -> None:
    rows = [begun(admin, number, State.STARTED) for number in (1, 2, 3)]
    page = admin.ask("GET", "/admin/open_operations", limit="2")[1]
    assert [each["request_id"] for each in page["data"]] == [rows[2].id, rows[1].id]
    assert page["has_more"] is True
    for query in ({"limit": "0"}, {"limit": "501"}, {"state": "started"}):
        assert admin.ask("GET", "/admin/open_operations", **query)[0] == 400
