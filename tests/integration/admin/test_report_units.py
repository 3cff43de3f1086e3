"""The read units of each report on DynamoDB: they do not grow with the number of records."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from moto import mock_aws

from tests.factories.ledger import begun, settled
from tests.harnesses.admin import DAY, AdminHarness
from tests.harnesses.store_backends import MotoBackend
from tests.helpers.call_recorder import size_of
from vectorgate.ids import KeyId, ObjectId, TenantId
from vectorgate.ledger.entry import State
from vectorgate.ledger.rollups import rollups_of
from vectorgate.metering.model import DAY_S
from vectorgate.persistence.dynamodb import stores_of

if TYPE_CHECKING:
    from vectorgate.ledger.entry import LedgerEntry

OF_A_UNIT = 4_096  # bytes of a consistent read
DAYS = {"start_date": "2026-03-01", "end_date": "2026-03-04"}
TIMES = {"start_time": str((DAY - 3) * DAY_S)}
REPORTS: dict[str, dict[str, str]] = {
    "/v1/organization/costs": {**TIMES, "group_by": "line_item,api_key_id"},
    "/v1/organization/usage/vector_stores": TIMES,
    "/v1/organization/usage/file_search_calls": {**TIMES, "group_by": "vector_store_id"},
    "/v1/organization/usage/completions": {**TIMES, "group_by": "model"},
    **{f"/{entity}/daily/activity": DAYS for entity in ("team", "user", "tag", "customer")},
    **{f"/{entity}/daily/activity/export": DAYS for entity in ("team", "customer")},
    "/global/spend/report": DAYS,
    "/global/spend/forecast": {},
    "/global/activity": DAYS,
    "/global/latency": DAYS,
    "/global/storage": DAYS,
    "/spend/tags": DAYS,
    "/spend/logs": {**DAYS, "summarize": "true"},
}


def rows(first: int, number: int) -> list[LedgerEntry]:
    """Rows of three days, two keys, teams and stores, whatever their number."""
    return [
        settled(
            begun(
                each,
                state=State.ANSWERED,
                started_ms=((DAY - each % 3) * DAY_S) * 1_000 + each,
                key_id=KeyId(f"{each % 2:064x}"),
                tenant=TenantId(f"team:{each % 2}"),
                team_id=str(each % 2),
                vector_store_id=ObjectId(f"vs_{each % 2}"),
                status_code=200,
                overhead_us=2_000,
                upstream_us=90_000,
            ).changed(operation="vector_stores.search"),
            spend=1_000_000_000,
        )
        for each in range(first, first + number)
    ]


def units(admin: AdminHarness, client: Any) -> dict[str, int]:
    """The read units of each report."""
    found: Counter[str] = Counter()
    asked = ""

    def count(parsed: dict[str, Any], **_: object) -> None:
        items = [*parsed.get("Items", ()), *(each for part in parsed.get("Responses", {}).values() for each in part)]
        found[asked] += max(1, -(-sum(map(size_of, items)) // OF_A_UNIT))

    client.meta.events.register("after-call.dynamodb", count)
    for path, query in REPORTS.items():
        asked = path
        assert admin.response("GET", path, **query).status == 200
    client.meta.events.unregister("after-call.dynamodb", count)
    return dict(found)


def test_reports_read_as_much_of_a_few_records_as_of_many() -> None:
    with mock_aws():
        backend = MotoBackend()
        admin = AdminHarness(stores_of(backend.table))
        read = []
        for first, number in ((0, 6), (6, 18)):
            entries = rows(first, number)
            for entry in entries:
                admin.stores.ledger.begin(entry.changed(state=State.ANSWERED, spend=None))
            for start in range(0, number, 6):
                chunk = entries[start : start + 6]
                admin.stores.ledger.settle(chunk, rollups_of(chunk))
            read.append(units(admin, backend.table.client))
        assert read[0] == read[1]
        assert set(read[0]) == set(REPORTS)
        assert max(read[0].values()) <= 50, read[0]  # with those of the meters: 16 partitions a provider
