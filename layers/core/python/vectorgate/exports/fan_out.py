"""From the table's stream to the queues: the record of each settled row, for each destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.classes import dataclass
from vectorgate.exports.names import IN_ORDER
from vectorgate.exports.queues import QueueUnavailable, messages_of
from vectorgate.exports.record import record_of
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias

    from vectorgate.exports.queues import ExportQueue
    from vectorgate.exports.record import Record
    from vectorgate.ids import OperationId
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.telemetry import Telemetry

    Named: TypeAlias = tuple[str, Sequence[OperationId]]


@dataclass(frozen=True, slots=True)
class FanOut:
    """Sends the record of each settled row to every queue."""

    ledger: LedgerStore
    queues: Mapping[str, ExportQueue]
    telemetry: Telemetry

    def send(self, named: Sequence[Named], settled: Sequence[tuple[str, LedgerEntry]]) -> list[str]:
        """Send the rows of a stream's batch; the sequence numbers to deliver again.

        `named`: changes that name a store's rows in their order, for destinations in order, which read the rows.
        `settled`: the rows themselves, in no order of a store's, for the others. Each has its sequence number.
        After a failure the first is to deliver again: what was sent is sent again, and FIFO queues drop what they know.
        """
        try:
            self._send_in_order(list(dict.fromkeys(id_ for _, ids in named for id_ in ids)))
            self._send([record_of(entry) for _, entry in settled], self.queues.keys() - IN_ORDER)
        except (StoreError, QueueUnavailable) as error:
            self.telemetry.task_failed("ExportFailures", error)
            return [min((number for number, _ in (*named, *settled)), key=int)]
        finally:
            self.telemetry.flush()
        return []

    def _send_in_order(self, ids: Sequence[OperationId]) -> None:
        names = self.queues.keys() & IN_ORDER
        if names:
            entries = self.ledger.entries(ids)
            self._send([record_of(entries[id_]) for id_ in ids if id_ in entries], names)

    def _send(self, records: Sequence[Record], names: Iterable[str]) -> None:
        for name in sorted(names):
            self.queues[name].send(messages_of(records, name))
