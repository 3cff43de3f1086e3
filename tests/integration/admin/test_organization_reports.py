"""OpenAI's reports, as the official admin client asks for them and parses them, over a socket."""

from __future__ import annotations

from collections import Counter
from datetime import date
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories.ledger import operation_id
from tests.factories.secrets import MASTER_KEY
from tests.fakes.telemetry import RecordingTelemetry
from tests.harnesses.admin import DAY, OPENAI, AdminHarness
from tests.harnesses.local_server import serve
from tests.helpers.memory_stores import memory_stores
from vectorgate.admin.app import AdminApp
from vectorgate.entrypoints.admin import handler
from vectorgate.ids import KeyId, ObjectId, TenantId
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.ledger.rollups import rollups_of
from vectorgate.metering.model import DAY_S
from vectorgate.pricing.money import NANO_PER_USD, NanoUSD
from vectorgate.providers.credentials import Secret

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

FIRST: Final = DAY - 30
KEYS: Final = {KeyId(f"{number:064x}"): (f"team {number % 2}", f"user {number % 3}") for number in range(4)}
OPERATIONS: Final = ("vector_stores.search", "storage", "responses.create", "vector_stores.create", "correction")
ROW: Final = st.tuples(
    st.integers(0, 30), st.sampled_from([*KEYS, None]), st.sampled_from(OPERATIONS), st.integers(0, 10**17)
)


class Month:
    """A month of settled rows, and the client of an administrator."""

    def __init__(self) -> None:
        self.admin = AdminHarness(memory_stores())
        self.admin.time.skip(DAY_S)
        app = AdminApp(master_key=Secret(MASTER_KEY), deps=self.admin.deps(), telemetry=RecordingTelemetry())
        bound = handler.bound_to(app)
        self.base_url = f"http://127.0.0.1:{serve(lambda event: bound(event, None))}"
        self.client = self.of(MASTER_KEY)
        self.numbers = count()

    def of(self, key: str) -> openai.OpenAI:
        """The client with another key."""
        return openai.OpenAI(api_key="-", admin_api_key=key, base_url=self.base_url, max_retries=0)

    def fill(self, rows: Sequence[tuple[int, KeyId | None, str, int]], **fields: object) -> None:
        """Settle rows: day of the month, key, operation, nano-dollars. `fields`: what all of them have beside that."""
        entries = [_entry(next(self.numbers), *row).changed(**fields) for row in rows]
        for entry in entries:
            self.admin.stores.ledger.begin(entry.changed(state=State.ANSWERED))
        for entry in entries:
            self.admin.stores.ledger.settle([entry], rollups_of([entry]))

    def buckets(self, report: Callable[..., Any], **query: Any) -> Iterator[Any]:
        """The buckets of all pages of the month."""
        page = None
        while True:
            asked = {"start_time": FIRST * DAY_S, "end_time": (DAY + 1) * DAY_S, **query}
            found = report(**asked, **({"page": page} if page else {}))
            yield from found.data
            page = found.next_page
            assert found.has_more is (page is not None)
            if page is None:
                return


def _entry(number: int, day: int, key: KeyId | None, operation: str, spend: int) -> LedgerEntry:
    started = (FIRST + day) * DAY_S * 1_000 + number
    team, user = KEYS.get(key, (None, None)) if key is not None else (None, None)
    response = operation == "responses.create"
    return LedgerEntry(
        id=operation_id(number, started),
        operation=operation,
        state=State.SETTLED,
        started_ms=started,
        key_id=key,
        tenant=TenantId(f"team:{team}") if team else None,
        team_id=team,
        user_id=user,
        provider=OPENAI,
        vector_store_id=None if response else ObjectId(f"vs_{number % 3}"),
        searched_stores=("vs_0", "vs_1") if response else (),
        tool_calls=("file_search=3",) if response else (),
        tools_spend=NanoUSD(spend // 3) if response else None,
        model="gpt-5" if response else None,
        input_tokens=7 if response else None,
        output_tokens=5 if response else None,
        byte_seconds=DAY_S * 1_000 if operation == "storage" else None,
        status_code=200,
        spend=NanoUSD(-spend if operation == "correction" else spend),
        price_id="a price",
        corrects=operation_id(number + 10**6, started) if operation == "correction" else None,
    )


@pytest.fixture(scope="module")
def month() -> Month:
    """A month without rows."""
    return Month()


@settings(max_examples=6, deadline=None)
@given(rows=st.lists(ROW, min_size=1, max_size=12))
def test_a_months_bill_is_that_of_the_log_to_the_nano_dollar(month: Month, rows: list[Any]) -> None:
    month.fill(rows)
    cursor: str | None = ""
    logged: Counter[tuple[str, str | None]] = Counter()
    while cursor is not None:
        window = {"start_date": "2026-02-02", "end_date": "2026-03-04", "limit": "1000"}
        _, page = month.admin.ask("GET", "/spend/logs", cursor=cursor, **window)
        for row in page["data"]:
            logged[row["startTime"][:10], row["team_id"]] += row["spend_nano_usd"]
        cursor = page["next_cursor"]
    costs = month.client.admin.organization.usage.costs
    for groups in ([], ["project_id"], ["line_item"], ["project_id", "user_id", "api_key_id", "line_item"]):
        billed: Counter[Any] = Counter()
        for bucket in month.buckets(costs, group_by=groups, limit=9):
            for result in bucket.results:
                place = (bucket.start_time, result.project_id if "project_id" in groups else None)
                billed[place] += _nano(result.amount.value_exact)
                assert result.amount.value == pytest.approx(_nano(result.amount.value_exact) / 1e9)
        expected = _by(logged, groups)
        assert {place: billed[place] for place in expected} == expected
        assert billed.total() == expected.total()


def _by(logged: Counter[tuple[str, str | None]], groups: list[str]) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for (day, team), amount in logged.items():
        start = (date.fromisoformat(day) - date(1970, 1, 1)).days * DAY_S
        found[start, team if "project_id" in groups else None] += amount
    return found


def _nano(exact: str) -> int:
    whole, _, rest = exact.lstrip("-").partition(".")
    amount = int(whole) * NANO_PER_USD + int(rest.ljust(9, "0") or 0)
    return -amount if exact.startswith("-") else amount
