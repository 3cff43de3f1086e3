"""Settlement by notifications of the stream and by polling: each row once, whatever repeats or fails."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories.ledger import answered_row, stream_of
from tests.factories.prices import CREATE, charging_book
from tests.fakes.telemetry import RecordingTelemetry
from vectorgate.bootstrap import price_book
from vectorgate.entrypoints.usage_logger import act
from vectorgate.ledger.entry import State
from vectorgate.ledger.rollups import Rollup, rollups_of
from vectorgate.ledger.settlement import SettlementService
from vectorgate.persistence.sqlite import open_stores
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.persistence.stores import Stores


ROWS = st.lists(
    st.builds(
        answered_row,
        number=st.integers(0, 400),
        operation=st.sampled_from(["vector_stores.create", "files.list", "vector_stores.search"]),
        team=st.sampled_from([None, "red", "blue"]),
        end_user=st.sampled_from([None, "ann", "bob"]),
        status_code=st.sampled_from([200, 201]),
    ),
    max_size=40,
    unique_by=lambda entry: entry.id,
)


def ledger_of(rows: list[LedgerEntry]) -> tuple[Stores, SettlementService, RecordingTelemetry]:
    """Return stores with these rows, and what settles them."""
    stores, telemetry = open_stores(), RecordingTelemetry()
    for entry in rows:
        stores.ledger.begin(entry)
    return stores, SettlementService(stores.ledger, price_book(), telemetry), telemetry


def sums(stores: Stores, rows: list[LedgerEntry]) -> list[Rollup]:
    """Return all rollups of the month of the rows."""
    scopes = {(rollup.bucket.scope, rollup.bucket.scope_id) for rollup in rollups_of(rows)}
    return sorted(
        (rollup for scope, name in scopes for rollup in stores.reports.rollups(scope, name, "2026-03")),
        key=lambda rollup: rollup.bucket,
    )


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, seed=st.integers(0, 2**32))
def test_any_order_and_repetition_of_the_stream_settles_each_row_once(rows: list[LedgerEntry], seed: int) -> None:
    stores, settlement, telemetry = ledger_of(rows)
    deliveries = [entry for entry in rows for _ in range(2)]
    random.Random(seed).shuffle(deliveries)  # noqa: S311 - to be repeatable
    for start in range(0, len(deliveries), 7):
        result = act(stream_of(deliveries[start : start + 7]), settlement)
        assert result == {"batchItemFailures": []}
    kept = [stores.ledger.entry(entry.id) for entry in rows]
    settled = [entry for entry in kept if entry is not None and entry.state is State.SETTLED]
    assert len(settled) == len(rows)
    assert {entry.spend for entry in settled} <= {0}
    assert sums(stores, settled) == rollups_of(settled)
    assert not telemetry.errors
    stores.close()


def test_a_row_without_a_price_is_left_to_the_meter_and_those_around_it_are_settled() -> None:
    rows = [answered_row(number) for number in range(3)]
    rows[1] = replace(rows[1], operation="nothing.known")
    stores, settlement, telemetry = ledger_of(rows)
    assert act(stream_of(rows), settlement) == {"batchItemFailures": []}
    states = [entry.state for row in rows if (entry := stores.ledger.entry(row.id))]
    assert states == [State.SETTLED, State.ANSWERED, State.SETTLED]
    assert telemetry.failed_ids == [rows[1].id]
    stores.close()


def test_a_stream_that_is_an_hour_late_finds_everything_settled() -> None:
    rows = [answered_row(number) for number in range(3)]
    stores, settlement, telemetry = ledger_of(rows)
    assert settlement.settle_waiting(100, before_ms=max(row.started_ms for row in rows) + 1) == 3  # a meter tick
    before = [stores.ledger.entry(row.id) for row in rows]
    assert act(stream_of(rows), settlement) == {"batchItemFailures": []}
    assert [stores.ledger.entry(row.id) for row in rows] == before
    settled = [entry for entry in before if entry is not None and entry.state is State.SETTLED]
    assert len(settled) == 3
    assert sums(stores, settled) == rollups_of(settled)
    assert not telemetry.errors
    stores.close()


def test_what_is_settled_is_counted_in_nano_dollars() -> None:
    rows = [answered_row(number) for number in range(3)]
    stores, _, telemetry = ledger_of(rows)
    settlement = SettlementService(stores.ledger, charging_book(), telemetry)
    act(stream_of(rows), settlement)
    act(stream_of(rows), settlement)  # delivered again: nothing is spent twice
    assert telemetry.counts == {"Settled": 3, "SpentNanoDollars": 3 * CREATE}
    stores.close()


def test_a_row_that_the_store_refuses_is_reported_and_those_before_it_are_settled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [answered_row(number) for number in range(3)]
    stores, settlement, telemetry = ledger_of(rows)
    settled = stores.ledger.settle

    def settle(chunk: Sequence[LedgerEntry], rollups: Sequence[Rollup]) -> None:
        if rows[1].id in {entry.id for entry in chunk}:
            raise StoreUnavailable("just now")
        settled(chunk, rollups)

    monkeypatch.setattr(stores.ledger, "settle", settle)
    assert act(stream_of(rows), settlement) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    states = [entry.state for row in rows if (entry := stores.ledger.entry(row.id))]
    assert states == [State.SETTLED, State.ANSWERED, State.ANSWERED]
    assert telemetry.failed_ids == [rows[1].id]
    stores.close()


def test_a_row_without_a_price_does_not_keep_local_mode_from_settling_the_rest() -> None:
    rows = [answered_row(number) for number in range(5)]
    rows[0] = replace(rows[0], operation="nothing.known")
    stores, settlement, telemetry = ledger_of(rows)
    assert settlement.settle_waiting(50) == 4
    assert settlement.settle_waiting(50) == 0
    assert [entry.id for entry in stores.ledger.answered(10)] == [rows[0].id]
    assert telemetry.errors
    stores.close()


@pytest.mark.parametrize("at_once", [1, 2, 3, 50])
def test_a_row_at_which_settling_raises_what_none_should_delays_no_others(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [answered_row(number) for number in range(5)]
    stores, settlement, telemetry = ledger_of(rows)
    settled = stores.ledger.settle

    def settle(chunk: Sequence[LedgerEntry], rollups: Sequence[Rollup]) -> None:
        if rows[1].id in {entry.id for entry in chunk}:
            raise ValueError("an integer of more than 64 bits")
        settled(chunk, rollups)

    monkeypatch.setattr(stores.ledger, "settle", settle)
    while settlement.settle_waiting(at_once):
        pass
    assert [entry.id for entry in stores.ledger.answered(10)] == [rows[1].id]
    assert {type(error) for error in telemetry.errors} == {ValueError}
    stores.close()


@pytest.mark.parametrize("at_once", [1, 2, 3, 50])
def test_rows_without_a_price_are_walked_past_however_many_there_are(at_once: int) -> None:
    rows = [answered_row(number) for number in range(9)]
    rows[:5] = [replace(row, operation="nothing.known") for row in rows[:5]]
    stores, settlement, telemetry = ledger_of(rows)
    settled_rows = 0
    while now := settlement.settle_waiting(at_once):
        assert now < 2 * at_once
        settled_rows += now
    assert settled_rows == 4
    assert set(telemetry.failed_ids) == {rows[0].id}
    stores.close()


def test_rows_without_a_price_are_read_by_the_page_and_reported_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [replace(answered_row(number), operation="nothing.known") for number in range(1, 41)]
    stores, settlement, telemetry = ledger_of([answered_row(0), *rows])
    read, asked = stores.ledger.answered, []

    def answered(limit: int, **where: object) -> Sequence[LedgerEntry]:
        asked.append(limit)
        return read(limit, **where)  # type: ignore[arg-type]

    monkeypatch.setattr(stores.ledger, "answered", answered)
    assert settlement.settle_waiting(10) == 1
    assert asked == [10] * 6  # 41 rows, and an empty page
    assert telemetry.failed_ids == [rows[0].id]
    stores.close()


def test_with_a_time_limit_only_older_rows_are_settled() -> None:
    rows = [answered_row(number) for number in range(3)]
    stores, settlement, _ = ledger_of(rows)
    assert settlement.settle_waiting(50, before_ms=rows[2].started_ms) == 2
    assert [entry.id for entry in stores.ledger.answered(10)] == [rows[2].id]
    stores.close()


def test_records_without_a_new_image_or_of_other_rows_are_passed_over() -> None:
    stores, settlement, _ = ledger_of([])
    event = {"Records": [{"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "1"}}, {"dynamodb": {}}]}
    assert act(event, settlement) == {"batchItemFailures": []}
    stores.close()
