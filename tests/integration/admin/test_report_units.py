"""The read units of each report on DynamoDB: they do not grow with the number of records.

`pytest -s` prints them. Pages of records are bounded by their size.
"""

from __future__ import annotations

from collections import Counter
from threading import Lock
from typing import TYPE_CHECKING, Any

from moto import mock_aws

from tests.factories.ledger import begun, settled
from tests.harnesses.admin import DAY, AdminHarness
from tests.harnesses.store_backends import MotoBackend
from tests.helpers.call_recorder import size_of
from vectorgate.auth.keys.model import VirtualKey
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
KEYS = tuple(f"{number:064x}" for number in range(2))
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
    "/spend/keys": {},
    "/spend/users": {},
    "/spend/logs?summarized": {**DAYS, "summarize": "true"},
}
ONE_DAY = {"start_date": "2026-03-04", "end_date": "2026-03-04"}
PAGES: dict[str, dict[str, str]] = {
    "/spend/logs": {**ONE_DAY, "limit": "2"},
    "/spend/logs?key": {**ONE_DAY, "limit": "2", "api_key": KEYS[1]},
    "/spend/logs/v2": {**ONE_DAY, "page_size": "2"},
}


def rows(first: int, number: int) -> list[LedgerEntry]:
    """Rows of three days, two keys, teams and stores, whatever their number."""
    return [
        settled(
            begun(
                each,
                state=State.ANSWERED,
                started_ms=((DAY - each % 3) * DAY_S) * 1_000 + each,
                key_id=KeyId(KEYS[each % 2]),
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
    asked, one = "", Lock()  # the log reads its partitions at the same time

    def count(parsed: dict[str, Any], **_: object) -> None:
        items = [*parsed.get("Items", ()), *(each for part in parsed.get("Responses", {}).values() for each in part)]
        with one:
            found[asked] += max(1, -(-sum(map(size_of, items)) // OF_A_UNIT))

    client.meta.events.register("after-call.dynamodb", count)
    for name, query in {**REPORTS, **PAGES}.items():
        asked = name
        assert admin.response("GET", name.partition("?")[0], **query).status == 200
    client.meta.events.unregister("after-call.dynamodb", count)
    return dict(found)


def test_reports_read_as_much_of_a_few_records_as_of_many() -> None:
    with mock_aws():
        backend = MotoBackend()
        admin = AdminHarness(stores_of(backend.table))
        for key in KEYS:
            admin.stores.keys.add_key(VirtualKey(id=KeyId(key), created_at=DAY * DAY_S, user_id="ann"))
        read = []
        for first, number in ((0, 6), (6, 18)):
            entries = rows(first, number)
            for entry in entries:
                admin.stores.ledger.begin(entry.changed(state=State.ANSWERED, spend=None))
            for start in range(0, number, 6):
                chunk = entries[start : start + 6]
                admin.stores.ledger.settle(chunk, rollups_of(chunk))
            read.append(units(admin, backend.table.client))
        print(*(f"{name}: {number}" for name, number in read[1].items()), sep="\n")  # noqa: T201 - the figures
        few, many = ({name: number for name, number in each.items() if name in REPORTS} for each in read)
        assert few == many
        assert set(few) == set(REPORTS)
        assert max(many.values()) <= 50, many  # with those of the meters: 16 partitions a provider
        # The day's 16 partitions, twice; the rows; 32 partitions of meters; the number of rows in v2.
        assert max(each[name] for each in read for name in PAGES) <= 2 * 16 + 3 + 32 + 7, read
