"""Rows that an ended process left `started`: a later process that knows this need not wait for them."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from vectorgate.clock import DAY_MS
from vectorgate.ledger.entry import State
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.clock import Clock
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore

PAGE: Final = 500
_AHEAD_MS: Final = DAY_MS  # of which a clock may have been ahead when the rows were written


def end_interrupted(ledger: LedgerStore, clock: Clock) -> int:
    """Mark every `started` row as `uncertain`, and its request as over; how many there were. StoreError.

    Only for a ledger that one process has to itself, before it begins a row.
    """
    now_ms = clock.unix_ms()
    started = [row for row in _open_rows(ledger, now_ms + _AHEAD_MS) if row.state is State.STARTED]
    for row in started:
        over = {"ended_ms": now_ms} | ({} if row.until_ms is None else {"until_ms": min(row.until_ms, now_ms)})
        with suppress(StateConflict):
            ledger.advance(row.transition(State.UNCERTAIN, **over), since=State.STARTED)
    return len(started)


def _open_rows(ledger: LedgerStore, before_ms: int) -> Iterator[LedgerEntry]:
    after = None
    while rows := ledger.open_rows(before_ms, PAGE, after=after):
        yield from rows
        after = (rows[-1].started_ms, rows[-1].id)
