"""Settlement: price the answered rows, and add their costs to rollups and budgets.

A notification (a record of the table's stream, a poll) is a hint that a row is answered; the row's state decides. Rows
are settled in chunks, each one transaction: every row's transition `answered -> settled` on the condition of its state,
and the rollups of the chunk. A row that another delivery has settled makes its chunk fail as a whole; it is dropped and
the rest of the chunk tried again::

    delivery 1   [a b c]  --transact-->  settled            sums += a+b+c
    delivery 2   [c d]    --transact-->  conflict: c is settled, nothing written
                 [d]      --transact-->  settled            sums += d

Lambda repeats a stream's batch from the lowest sequence number that is reported as failed, and all records behind it
wait. So only a failure that a repetition can repair is reported: one of the store. A row without a price stays
`answered`, and `settle_waiting`, which the meter calls at each tick, settles it once there is one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.budgets.model import accounts_of
from vectorgate.classes import dataclass
from vectorgate.ledger.entry import State
from vectorgate.ledger.ports import MAX_ACTIONS
from vectorgate.ledger.rollups import buckets_of, rollups_of, store_bucket
from vectorgate.pricing.book import WITHOUT_PRICE, MissingPrice
from vectorgate.store_errors import StateConflict, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from vectorgate.budgets.model import Account
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore, Position
    from vectorgate.ledger.rollups import Bucket
    from vectorgate.pricing.book import PriceBook
    from vectorgate.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class SettlementService:
    """Settles rows by the prices of one book, and reports those that it cannot settle."""

    ledger: LedgerStore
    book: PriceBook
    telemetry: Telemetry

    def settle_batch(self, batch: Sequence[tuple[str, LedgerEntry]]) -> list[str]:
        """Settle the rows of a stream's batch, each with its sequence number; the numbers to deliver again.

        All rows at once; one by one only when that fails, to the first that the store refuses.
        """
        try:
            settled = self._settled([entry for _, entry in batch])
        except (StoreError, MissingPrice) as error:
            self.telemetry.settlement_failed(error)
            return self._settle_singly(batch)
        else:
            self.telemetry.count("Settled", settled)
            return []
        finally:
            self.telemetry.flush()

    def settle_waiting(self, at_once: int, *, before_ms: int | None = None) -> int:
        """Settle the oldest answered rows of the ledger, notified or not; how many were settled.

        Reads `at_once` rows at a time, and stops once as many are settled. Rows without a price are left as they are,
        and are read past, so that they delay no others. `before_ms`: only rows that began before that. StoreError.
        """
        settled = 0
        unpriced: list[LedgerEntry] = []
        after: Position | None = None
        while settled < at_once:
            waiting = self.ledger.answered(at_once, before_ms=before_ms, after=after)
            now = self._settle_priced(waiting, unpriced)
            settled += now
            if now == len(waiting):
                break  # no row was left, so there are no others to look for behind it
            after = (waiting[-1].started_ms, waiting[-1].id)
        if unpriced:
            self.telemetry.settlement_failed(MissingPrice(f"{len(unpriced)} rows"), unpriced[0])
            self.telemetry.count("Unpriced", len(unpriced))
        return settled

    def _settle_priced(self, waiting: Sequence[LedgerEntry], unpriced: list[LedgerEntry]) -> int:
        """Settle the rows that have a price, and add the others to `unpriced`; how many were settled.

        A row at which settling raises an unexpected exception is reported as a defect, and delays no others either.
        """
        try:
            return self._settled(waiting)
        except StoreError:
            raise
        except Exception:  # noqa: BLE001 - one by one it is known at which row, and reported
            settled = 0
        for entry in waiting:
            try:
                settled += self._settled([entry])
            except MissingPrice:
                unpriced.append(entry)
            except StoreError:
                raise
            except Exception as error:  # noqa: BLE001 - the rows behind it are to be settled
                self.telemetry.unexpected_error(error)
        return settled

    def _settled(self, entries: Sequence[LedgerEntry]) -> int:
        """How many of these rows were settled. Counts what they cost, and the responses without a price."""
        settled = settle(entries, self.ledger, self.book)
        spent = sum(entry.spend or 0 for entry in settled)
        if spent:
            self.telemetry.count("SpentNanoDollars", spent)
        unpriced = sum(entry.price_id in WITHOUT_PRICE for entry in settled)
        if unpriced:
            self.telemetry.count("Unpriced", unpriced)
        return len(settled)

    def _settle_singly(self, batch: Sequence[tuple[str, LedgerEntry]]) -> list[str]:
        for sequence_number, entry in batch:
            try:
                self._settled([entry])
            except MissingPrice as error:
                self.telemetry.settlement_failed(error, entry)
                self.telemetry.count("Unpriced")
            except StoreError as error:
                self.telemetry.settlement_failed(error, entry)
                return [sequence_number]
        return []


def settle(entries: Iterable[LedgerEntry], ledger: LedgerStore, book: PriceBook) -> list[LedgerEntry]:
    """Settle those of `entries` that are still `answered`, and return them.

    MissingPrice before anything is written. After a StoreError, rows that were not settled are still `answered`.
    """
    unique = {entry.id: entry for entry in entries if entry.state is State.ANSWERED}
    priced = [priced_by(book, entry) for entry in unique.values()]
    return [entry for chunk in chunks(priced) for entry in _settle_chunk(chunk, ledger)]


def priced_by(book: PriceBook, entry: LedgerEntry) -> LedgerEntry:
    """The settled form of an answered row. MissingPrice."""
    charge = book.charge_for(entry)
    return entry.transition(
        State.SETTLED, spend=charge.spend, price_id=charge.price_id, tools_spend=charge.tools or entry.tools_spend
    )


def _settle_chunk(chunk: Sequence[LedgerEntry], ledger: LedgerStore) -> Sequence[LedgerEntry]:
    """One transaction, and one more for what is left each time that another delivery settled a row first."""
    while chunk:
        try:
            ledger.settle(chunk, rollups_of(chunk))
        except StateConflict:
            waiting = ledger.unsettled([entry.id for entry in chunk])
            chunk = [entry for entry in chunk if entry.id in waiting]
        else:
            return chunk
    return ()


def chunks(entries: Sequence[LedgerEntry]) -> Iterator[Sequence[LedgerEntry]]:
    """As many rows as fit into one transaction with the rollups and budgets that they change; at least one. Pure.

    A store has a place in it also where a row only is named to the exporter, and counts in no sum of the store.
    """
    chunk: list[LedgerEntry] = []
    sums: set[Bucket | Account] = set()
    for entry in entries:
        changed: set[Bucket | Account] = {*buckets_of(entry), *accounts_of(entry)}
        if entry.vector_store_id is not None:
            changed.add(store_bucket(entry, entry.vector_store_id))
        with_entry = sums | changed
        if chunk and len(chunk) + 1 + len(with_entry) > MAX_ACTIONS:
            yield chunk
            chunk, with_entry = [], changed
        chunk.append(entry)
        sums = with_entry
    if chunk:
        yield chunk
