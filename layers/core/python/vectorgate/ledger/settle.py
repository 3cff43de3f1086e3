"""From answered rows to costs: the async logging function's whole work, wherever it runs.

A notification (a stream record, a poll) is a hint that a row is answered; the row's state decides. Rows are settled in
chunks, each one transaction: every row's move `answered -> settled` on the condition of its state, and the rollups
that the chunk adds up to. A row that another delivery has settled makes its chunk fail as a whole; it is dropped and
the rest of the chunk tried again::

    delivery 1   [a b c]  --transact-->  settled            sums += a+b+c
    delivery 2   [c d]    --transact-->  conflict: c is settled, nothing written
                 [d]      --transact-->  settled            sums += d
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.budgets.model import accounts_of
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import MAX_ACTIONS
from vectorgate.ledger.rollups import buckets_of, rollups_of
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vectorgate.budgets.model import Account
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.ledger.rollups import Bucket
    from vectorgate.pricing.book import PriceBook


def settle(entries: Iterable[LedgerEntry], ledger: LedgerStore, book: PriceBook) -> int:
    """Settle those of `entries` that are still `answered`; how many were.

    Errors of the store pass through: what was not settled is still `answered`, and comes again.
    """
    unique = {entry.id: entry for entry in entries if entry.state is State.ANSWERED}
    return sum(_settle_chunk(chunk, ledger) for chunk in _chunks([_settled(entry, book) for entry in unique.values()]))


def _settled(entry: LedgerEntry, book: PriceBook) -> LedgerEntry:
    charge = book.charge_for(entry)
    return entry.transition(State.SETTLED, spend=charge.spend, price_id=charge.price_id)


def _settle_chunk(chunk: Sequence[LedgerEntry], ledger: LedgerStore) -> int:
    """One transaction, or one more for what is left whenever another delivery was faster."""
    while chunk:
        try:
            ledger.settle(chunk, rollups_of(chunk))
        except StateConflict:
            waiting = ledger.unsettled([entry.id for entry in chunk])
            chunk = [entry for entry in chunk if entry.id in waiting]
        else:
            return len(chunk)
    return 0


def _chunks(entries: Sequence[LedgerEntry]) -> Iterator[Sequence[LedgerEntry]]:
    """As many rows as fit one transaction with the rollups and budgets that they add up to; at least one."""
    chunk: list[LedgerEntry] = []
    sums: set[Bucket | Account] = set()
    for entry in entries:
        touched: set[Bucket | Account] = {*buckets_of(entry), *accounts_of(entry)}
        more = sums | touched
        if chunk and len(chunk) + 1 + len(more) > MAX_ACTIONS:
            yield chunk
            chunk, more = [], touched
        chunk.append(entry)
        sums = more
    if chunk:
        yield chunk
