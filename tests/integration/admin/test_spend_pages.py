"""Pages of the spend log: everything once, storage first of its day, and an answer in time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories.ledger import operation_id
from tests.harnesses.admin import DAY, KEY, OPENAI, AdminHarness, meter
from vectorgate.admin import log_pages
from vectorgate.admin.pending_storage import PendingStorage
from vectorgate.admin.spend_logs import HAS_MORE, NEXT_CURSOR
from vectorgate.auth.authenticate import key_id_of
from vectorgate.ids import ObjectId, TenantId
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.metering.model import DAY_S
from vectorgate.persistence.sqlite import open_stores
from vectorgate.pricing.book import GIB

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ledger.ports import Found, RecordQuery

DAY_MS = DAY_S * 1_000
RANGE = {"start_date": "2026-03-02", "end_date": "2026-03-04"}
OTHER = key_id_of("sk-of-blue")
FINAL = {
    "success": (State.VOIDED, 200),
    "failure": (State.VOIDED, 400),
    "pending": (State.STARTED, None),
}


def call(number: int, moment_ms: int, **fields: Any) -> LedgerEntry:
    """The row of a call; `status` is how it ended."""
    state, status_code = FINAL[fields.pop("status", "success")]
    values: dict[str, Any] = {"key_id": KEY, "tenant": TenantId("team:red"), "team_id": "red", "provider": OPENAI}
    return LedgerEntry(
        id=operation_id(number, moment_ms),
        operation=fields.pop("operation", "vector_stores.search"),
        state=state,
        started_ms=moment_ms,
        status_code=status_code,
        **values | fields,
    )


def stored(admin: AdminHarness, rows: Sequence[LedgerEntry]) -> None:
    """Write rows."""
    for row in rows:
        admin.stores.ledger.begin(row)


def page(admin: AdminHarness, **query: str) -> Any:
    """One page."""
    status, document = admin.ask("GET", "/spend/logs", **{"cursor": "", **RANGE, **query})
    assert status == 200, document
    return document


def walked(admin: AdminHarness, **query: str) -> list[dict[str, Any]]:
    """All rows of all pages, each of which says truly whether another follows."""
    shown = page(admin, **query)
    rows = list(shown["data"])
    while shown["has_more"]:
        shown = page(admin, **query, cursor=shown["next_cursor"])
        rows += shown["data"]
    assert shown["next_cursor"] is None
    return rows


def ids(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Of each row, the id."""
    return [row["request_id"] for row in rows]


def in_order(rows: Sequence[LedgerEntry]) -> list[str]:
    """The ids in the log's order."""

    def place(row: LedgerEntry) -> tuple[int, bool, int, str]:
        return row.started_ms // DAY_MS, row.started_ms % DAY_MS == 0, row.started_ms, row.id

    return [row.id for row in sorted(rows, key=place, reverse=True)]


@pytest.mark.parametrize("limit", ["4", "1000"])
def test_pages_join_to_the_whole_log_on_every_engine(admin: AdminHarness, limit: str) -> None:
    moments = [DAY * DAY_MS - DAY_MS // 2 + number // 3 * (DAY_MS // 9) for number in range(27)]
    rows = [call(number, moment) for number, moment in enumerate(moments)]
    stored(admin, rows)
    admin.charge([meter("vs_a", 3 * GIB * DAY_S, day=DAY - 1), meter("vs_b", GIB, day=DAY - 1)], DAY - 1)
    admin.stores.meters.keep(meter("vs_c", 3 * GIB * DAY_S))
    shown = walked(admin, limit=limit)
    assert [row for row in ids(shown) if row in in_order(rows)] == in_order(rows)
    assert len(shown) == len({*ids(shown)}) == 30
    assert [(row["vector_store_id"], row["status"]) for row in shown if row["call_type"] == "storage"] == [
        ("vs_c", "pending"),
        *sorted((("vs_a", "success"), ("vs_b", "success")), key=lambda each: ids(shown).index(_id(shown, each[0]))),
    ]


def _id(rows: Sequence[Mapping[str, Any]], store: str) -> str:
    return next(str(row["request_id"]) for row in rows if row["vector_store_id"] == store)


def test_a_busy_days_storage_is_on_its_first_page(admin: AdminHarness) -> None:
    stored(admin, [call(number, DAY * DAY_MS + 1 + number) for number in range(25)])
    stored(admin, [call(100 + number, (DAY - 1) * DAY_MS + 1 + number) for number in range(25)])
    admin.charge([meter("vs_yesterday", 3 * GIB * DAY_S, day=DAY - 1)], DAY - 1)
    admin.stores.meters.keep(meter("vs_today", 3 * GIB * DAY_S))
    status, rows = admin.ask("GET", "/spend/logs", **RANGE, limit="10")
    assert (status, rows[0]["vector_store_id"], len(rows)) == (200, "vs_today", 10)
    _, rows = admin.ask("GET", "/spend/logs", start_date="2026-03-03", end_date="2026-03-03", limit="10")
    assert rows[0]["vector_store_id"] == "vs_yesterday"
    assert [row["vector_store_id"] for row in walked(admin, call_type="storage", limit="1")] == [
        "vs_today",
        "vs_yesterday",
    ]


def test_the_corrections_of_storage_stand_beside_it(admin: AdminHarness) -> None:
    stored(admin, [call(1, DAY * DAY_MS + 1)])
    midnight = call(2, DAY * DAY_MS, operation="correction")
    stored(admin, [midnight])
    admin.charge([meter("vs_a", 3 * GIB * DAY_S)])
    shown = walked(admin)
    assert shown[-1]["call_type"] == "vector_stores.search"
    assert {row["call_type"] for row in shown[:2]} == {"storage", "correction"}
    assert ids(walked(admin, call_type="correction")) == [midnight.id]


def test_litellms_list_says_in_headers_what_a_page_says_in_its_body(admin: AdminHarness) -> None:
    stored(admin, [call(number, DAY * DAY_MS + 1 + number) for number in range(3)])
    first = admin.response("GET", "/spend/logs", **RANGE, limit="2")
    assert first.headers[HAS_MORE] == "true"
    assert first.headers[NEXT_CURSOR] == page(admin, limit="2")["next_cursor"]
    last = admin.response("GET", "/spend/logs", **RANGE, limit="3")
    assert (last.headers[HAS_MORE], NEXT_CURSOR in last.headers) == ("false", False)
    assert page(admin, limit="3")["object"] == "list"


FIELDS: dict[str, list[str]] = {
    "api_key": [KEY, OTHER],
    "team_id": ["red", "blue"],
    "end_user": ["ann", "bob"],
    "call_type": ["vector_stores.search", "files.create", "storage"],
    "vector_store_id": ["vs_a", "vs_b"],
    "status": ["success", "failure", "pending"],
}
ROW = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in FIELDS.items() if name != "call_type"})
CALLS = st.lists(st.tuples(ROW, st.sampled_from(FIELDS["call_type"][:2]), st.integers(0, 3 * 4 - 1)), max_size=14)
METERS = st.lists(st.tuples(ROW, st.integers(0, 2)), max_size=4)
FILTERS: st.SearchStrategy[dict[str, str]] = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in FIELDS.items()}
)


def fields_of(row: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a row of the ledger for these values of the log."""
    return {
        "key_id": row["api_key"],
        "tenant": TenantId(f"team:{row['team_id']}"),
        "team_id": row["team_id"],
        "end_user": row["end_user"],
        "vector_store_id": ObjectId(row["vector_store_id"]),
    }


@settings(max_examples=40, deadline=None)
@given(calls=CALLS, meters=METERS, filters=FILTERS, limit=st.integers(1, 6), step=st.integers(1, 5))
def test_the_log_is_what_filtering_and_sorting_all_rows_gives(
    calls: list[tuple[dict[str, str], str, int]],
    meters: list[tuple[dict[str, str], int]],
    filters: dict[str, str],
    limit: int,
    step: int,
) -> None:
    """Calls begin in one of four moments of three days, of which the first is midnight."""
    admin = AdminHarness(open_stores())
    expected = []
    for number, (row, operation, moment) in enumerate(calls):
        moment_ms = (DAY - 2) * DAY_MS + moment // 4 * DAY_MS + moment % 4 * 1_000
        entry = call(number, moment_ms, status=row["status"], operation=operation, **fields_of(row))
        stored(admin, [entry])
        expected.append((entry, {**row, "call_type": operation}))
    of_store = {f"vs_m{number}": row for number, (row, _) in enumerate(meters)}
    for (store, row), (_, back) in zip(of_store.items(), meters, strict=True):
        owner: dict[str, Any] = {"tenant": TenantId(f"team:{row['team_id']}"), "key_id": row["api_key"]}
        admin.stores.meters.keep(meter(store, GIB, day=DAY - back, end_user=row["end_user"], **owner))
    for entry in PendingStorage(admin.deps()).records:
        store = str(entry.vector_store_id)
        shown = {"call_type": "storage", "status": "pending", "vector_store_id": store}
        expected.append((entry, of_store[store] | shown))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_pages, "STEP", step)
        found = walked(admin, limit=str(limit), **filters)
    wanted = [entry for entry, row in expected if filters.items() <= row.items()]
    assert ids(found) == in_order(wanted)
    admin.stores.close()


@pytest.mark.parametrize("filters", [{}, {"end_user": "nobody"}, {"call_type": "files.create"}], ids=str)
def test_a_page_ends_when_its_time_is_up_and_the_next_goes_on_there(
    admin: AdminHarness, filters: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [call(number, DAY * DAY_MS - number * DAY_MS // 8) for number in range(16)]
    rows[15] = replace(rows[15], operation="files.create", end_user="nobody")
    stored(admin, rows)
    find, asked = admin.stores.ledger.find, []

    def slowly(query: RecordQuery, **how: Any) -> Found:
        asked.append(query)
        admin.time.skip(log_pages.SECONDS)
        return find(query, **how)

    monkeypatch.setattr(admin.stores.ledger, "find", slowly)
    shown, read = [], 0
    cursor: str | None = ""
    while cursor is not None:
        before = len(asked)
        answer = page(admin, limit="3", cursor=cursor, **filters)
        assert len(asked) <= before + 2  # a step, of which the first of a day may be two reads
        shown += ids(answer["data"])
        cursor, read = answer["next_cursor"], read + 1
    assert shown == (in_order(rows) if not filters else [rows[15].id])
    assert read > 3


@pytest.mark.parametrize("filters", [{}, {"vector_store_id": "vs_none"}, {"status_filter": "success"}], ids=str)
def test_a_numbered_page_that_is_not_whole_when_its_time_is_up_is_refused(
    admin: AdminHarness, filters: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stored(admin, [call(number, DAY * DAY_MS - number * DAY_MS // 8) for number in range(16)])
    assert admin.ask("GET", "/spend/logs/v2", **RANGE, **filters)[0] == 200
    find = admin.stores.ledger.find

    def slowly(query: RecordQuery, **how: Any) -> Found:
        admin.time.skip(log_pages.SECONDS)
        return find(query, **how)

    monkeypatch.setattr(admin.stores.ledger, "find", slowly)
    status, document = admin.ask("GET", "/spend/logs/v2", **RANGE, **filters)
    assert (status, document["error"]["code"], document["error"]["param"]) == (400, "too_many_records", "start_date")


def test_a_name_is_found_in_its_normal_form_and_as_an_early_release_kept_it(admin: AdminHarness) -> None:
    rows = [
        call(number, DAY * DAY_MS + 1 + number, end_user=name) for number, name in enumerate(("bob", "bob ", "ann"))
    ]
    stored(admin, rows)
    assert ids(walked(admin, end_user="bob ")) == [rows[1].id, rows[0].id]
    assert ids(walked(admin, end_user="bob")) == [rows[0].id]


def test_a_response_is_a_row_of_every_store_that_it_searched(admin: AdminHarness) -> None:
    searched = ("vs_a", "vs_b")
    stored(admin, [call(1, DAY * DAY_MS + 1, operation="responses.create", searched_stores=searched)])
    assert [len(walked(admin, vector_store_id=store)) for store in (*searched, "vs_c")] == [1, 1, 0]


@pytest.mark.parametrize(
    "query",
    [
        {"call_type": "vector_store.create"},
        {"call_type": ""},
        {"status": "ok"},
        {"status": "SUCCESS"},
        {"vector_store_id": "vs/1"},
        {"vector_store_id": ""},
        {"team_id": "a#b"},
        {"team_id": ""},
        {"end_user": "a\nb"},
        {"cursor": "1"},
        {"cursor": "1.2"},
        {"cursor": "99999999999999.00000000-0000-0000-0000-000000000000"},
        {"cursor": "1.0000000G-0000-0000-0000-000000000000"},
    ],
    ids=str,
)
def test_a_filter_that_no_row_can_match_is_400(admin: AdminHarness, query: dict[str, str]) -> None:
    status, document = admin.ask("GET", "/spend/logs", **query)
    assert (status, document["error"]["param"]) == (400, next(iter(query)))
