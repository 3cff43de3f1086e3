"""The table's stream as the async logging function gets it: records in, the first one that failed out.

Lambda retries a stream's batch from the lowest sequence number that is reported, so everything before a failing record
is booked and checkpointed, and one poisoned row ends in the dead-letter queue alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypedDict, cast

from vectorgate.ledger.model import State
from vectorgate.ledger.settle import settle
from vectorgate.pricing.book import MissingPrice
from vectorgate.stores import StoreError
from vectorgate.stores.dynamodb.schema import entry_of_image

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ledger.model import Entry
    from vectorgate.ledger.store import LedgerStore
    from vectorgate.observability import Telemetry
    from vectorgate.pricing.book import PriceBook


class Failure(TypedDict):
    """One element of `batchItemFailures`."""

    itemIdentifier: str


class StreamResult(TypedDict):
    """What Lambda reads with ReportBatchItemFailures."""

    batchItemFailures: list[Failure]


@dataclass(frozen=True, slots=True)
class Bookkeeper:
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
            self.telemetry.unsettled(error)
            return {"batchItemFailures": self._settle_singly(waiting)}
        else:
            self.telemetry.count("Settled", settled)
            return {"batchItemFailures": []}
        finally:
            self.telemetry.flush()

    def settle_waiting(self, at_most: int) -> int:
        """Settle rows that wait in the ledger, whether or not anybody spoke of them; how many were settled.

        A row without a price is left where it is, and keeps none of the others waiting.
        """
        waiting = self.ledger.answered(at_most)
        try:
            return settle(waiting, self.ledger, self.book)
        except MissingPrice as error:
            self.telemetry.unsettled(error)
            return sum(self._settle_priced(entry) for entry in waiting)

    def _settle_priced(self, entry: Entry) -> int:
        try:
            return settle([entry], self.ledger, self.book)
        except MissingPrice:
            return 0

    def _settle_singly(self, waiting: Sequence[tuple[str, Entry]]) -> list[Failure]:
        for sequence_number, entry in waiting:
            try:
                settle([entry], self.ledger, self.book)
            except (StoreError, MissingPrice):
                return [{"itemIdentifier": sequence_number}]
        return []


def _answered(event: Mapping[str, object]) -> list[tuple[str, Entry]]:
    """The answered rows, with their place in the stream. Removals (TTL) have no new image and are passed over."""
    found = []
    for record in cast("Sequence[Mapping[str, Mapping[str, object]]]", event.get("Records", ())):
        change = record.get("dynamodb", {})
        entry = entry_of_image(cast("Mapping[str, Mapping[str, object]]", change.get("NewImage") or {}))
        if entry is not None and entry.state is State.ANSWERED:
            found.append((str(change["SequenceNumber"]), entry))
    return found
