"""Which rows DynamoDB's index `open` has. `tests/simulation/test_open_rows.py`: that each open row is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.ledger import answered, begun, own, ref, settled
from tests.helpers.call_recorder import CallRecorder
from vectorgate.clock import DAY_MS
from vectorgate.ledger.entry import State
from vectorgate.persistence.dynamodb import stores_of
from vectorgate.persistence.dynamodb.schema import OPEN, operation_item, operation_key
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from tests.harnesses.store_backends import Backend, DynamoBackend
    from vectorgate.ledger.entry import LedgerEntry

SECONDS = 15.0
ENOUGH = 10


def look(dynamo: DynamoBackend) -> int:
    """Look for open rows as a tick of the meter does."""
    return dynamo.ledger.list_open(dynamo.table.clock.unix_ms(), SECONDS)


def is_listed(dynamo: DynamoBackend, row: LedgerEntry) -> bool:
    item = dynamo.table.get(operation_key(row.id))
    assert item is not None
    return "open_pk" in item


def new_row(dynamo: DynamoBackend, number: int = 0, *, ago_ms: int = 0, **fields: Any) -> LedgerEntry:
    """Return a row that begins now."""
    return begun(number, started_ms=dynamo.table.clock.unix_ms() - ago_ms, **fields)


def test_a_row_that_is_settled_in_time_never_enters_the_index(dynamo: DynamoBackend) -> None:
    row = new_row(dynamo)
    with CallRecorder().watching(dynamo.table.client) as recorder:
        dynamo.ledger.begin(row)
        dynamo.ledger.advance(answered(row), since=State.STARTED)
        dynamo.ledger.settle([settled(answered(row))], [])
        dynamo.time.skip(150)
        assert look(dynamo) == 0
    assert recorder.written[OPEN] == 0


def test_a_row_that_stays_open_is_found_by_any_process(dynamo: DynamoBackend) -> None:
    row = new_row(dynamo)
    dynamo.ledger.begin(row)
    listed = 0
    for seconds in (0, 90, 86_400):
        dynamo.time.skip(seconds)
        listed += look(dynamo)
        assert list(stores_of(dynamo.table).ledger.open_rows(dynamo.table.clock.unix_ms(), ENOUGH)) == [row]
    assert listed == 1


def test_what_is_dated_back_is_in_the_index_from_its_beginning(dynamo: DynamoBackend) -> None:
    row = answered(new_row(dynamo, ago_ms=40 * DAY_MS))
    dynamo.ledger.begin(row)
    assert is_listed(dynamo, row)


@pytest.mark.parametrize("owns", [False, True])
def test_a_row_that_is_listed_while_its_call_runs_stays_listed_when_it_is_answered(
    dynamo: DynamoBackend, *, owns: bool
) -> None:
    row = new_row(dynamo)
    dynamo.ledger.begin(row)
    dynamo.time.skip(90)
    assert look(dynamo) == 1
    owned = [own(ref())] if owns else []
    dynamo.ledger.advance(answered(row), since=State.STARTED, owned=owned)
    assert is_listed(dynamo, row)
    assert [each.ref for each in dynamo.ownership.owners([ref()]).values()] == ([ref()] if owns else [])
    with pytest.raises(StateConflict):
        dynamo.ledger.advance(answered(row), since=State.STARTED, owned=owned)
    dynamo.ledger.settle([settled(answered(row))], [])
    assert not is_listed(dynamo, row)


def test_a_row_that_an_earlier_release_began_goes_through_its_states(dynamo: DynamoBackend) -> None:
    rows = [new_row(dynamo, number) for number in range(2)]
    for row in rows:
        dynamo.table.put(operation_item(row, listed=True))
    dynamo.ledger.advance(answered(rows[0]), since=State.STARTED)
    assert is_listed(dynamo, rows[0])
    dynamo.ledger.advance(rows[1].transition(State.VOIDED), since=State.STARTED)
    assert not is_listed(dynamo, rows[1])
    dynamo.ledger.settle([settled(answered(rows[0]))], [])
    assert not is_listed(dynamo, rows[0])


def test_an_uncertain_row_is_listed_and_stays_so_until_it_is_final(dynamo: DynamoBackend) -> None:
    row = new_row(dynamo)
    dynamo.ledger.begin(row)
    uncertain = row.transition(State.UNCERTAIN)
    dynamo.ledger.advance(uncertain, since=State.STARTED)
    assert is_listed(dynamo, row)
    dynamo.ledger.advance(answered(uncertain), since=State.UNCERTAIN, owned=[own(ref())])
    assert is_listed(dynamo, row)


def test_a_look_on_sqlite_changes_nothing_for_each_state_has_an_index(sqlite: Backend) -> None:
    row = begun()
    sqlite.ledger.begin(row)
    assert sqlite.ledger.list_open(row.started_ms + DAY_MS, SECONDS) == 0
    assert list(sqlite.ledger.open_rows(row.started_ms + 1, ENOUGH)) == [row]
