"""Who books: at once what the table's stream speaks of, and later whatever the stream could not get booked.

Lambda retries a stream's batch from the lowest sequence number that is reported, and all that comes behind it waits. So
only what another try may mend is reported: a store that refuses. A row without a price stays `answered`, and a look at
what waits (the meter's, at each tick) books it once there is one: a notification is only a hint.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, cast

from vectorgate.ledger.entry import State
from vectorgate.ledger.settle import settle
from vectorgate.persistence.dynamodb.schema import entry_of_image
from vectorgate.pricing.book import MissingPrice
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore, Position
    from vectorgate.pricing.book import PriceBook
    from vectorgate.telemetry import Telemetry


class Failure(TypedDict):
    """One element of `batchItemFailures`."""

    itemIdentifier: str


class StreamResult(TypedDict):
    """What Lambda reads with ReportBatchItemFailures."""

    batchItemFailures: list[Failure]


@dataclass(frozen=True, slots=True)
class SettlementService:
    """Everything that booking needs."""

    ledger: LedgerStore
    book: PriceBook
    telemetry: Telemetry

    def settle_stream(self, event: Mapping[str, object]) -> StreamResult:
        """Settle every answered row that the event speaks of. All at once; row by row only when that fails."""
        waiting = _answered(event)
        try:
            settled = settle([entry for _, entry in waiting], self.ledger, self.book)
        except (StoreError, MissingPrice) as error:
            self.telemetry.settlement_failed(error)
            return {"batchItemFailures": self._settle_singly(waiting)}
        else:
            self.telemetry.count("Settled", settled)
            return {"batchItemFailures": []}
        finally:
            self.telemetry.flush()

    def settle_waiting(self, at_once: int, *, before_ms: int | None = None) -> int:
        """Settle the oldest rows that wait in the ledger, whether or not anybody spoke of them; how many were settled.

        They are read so many at a time, and no more once as many are settled. A row without a price is left where it
        is, and keeps none of the others waiting: they are walked past it. `before_ms`: only what began before that.
        """
        settled = 0
        unpriced: list[LedgerEntry] = []
        after: Position | None = None
        while settled < at_once:
            waiting = self.ledger.answered(at_once, before_ms=before_ms, after=after)
            now = self._settle_priced(waiting, unpriced)
            settled += now
            if now == len(waiting):
                break  # nothing was passed over, so that there is nothing to look for behind it
            after = (waiting[-1].started_ms, waiting[-1].id)
        if unpriced:
            self.telemetry.settlement_failed(MissingPrice(f"{len(unpriced)} rows"), unpriced[0])
            self.telemetry.count("Unpriced", len(unpriced))
        return settled

    def _settle_priced(self, waiting: Sequence[LedgerEntry], unpriced: list[LedgerEntry]) -> int:
        """Those that have a price; the others are added to `unpriced`."""
        try:
            return settle(waiting, self.ledger, self.book)
        except MissingPrice:
            settled = 0
        for entry in waiting:
            try:
                settled += settle([entry], self.ledger, self.book)
            except MissingPrice:
                unpriced.append(entry)
        return settled

    def _settle_singly(self, waiting: Sequence[tuple[str, LedgerEntry]]) -> list[Failure]:
        for sequence_number, entry in waiting:
            try:
                settle([entry], self.ledger, self.book)
            except MissingPrice as error:
                self.telemetry.settlement_failed(error, entry)
                self.telemetry.count("Unpriced")
            except StoreError as error:
                self.telemetry.settlement_failed(error, entry)
                return [{"itemIdentifier": sequence_number}]
        return []


def _answered(event: Mapping[str, object]) -> list[tuple[str, LedgerEntry]]:
    """The answered rows, with their place in the stream. Removals (TTL) have no new image and are passed over."""
    found = []
    for record in cast("Sequence[Mapping[str, Mapping[str, object]]]", event.get("Records", ())):
        change = record.get("dynamodb", {})
        entry = entry_of_image(cast("Mapping[str, Mapping[str, object]]", change.get("NewImage") or {}))
        if entry is not None and entry.state is State.ANSWERED:
            found.append((str(change["SequenceNumber"]), entry))
    return found
