"""From the table's stream to the queues: a message for each settled row and destination."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.classes import dataclass
from vectorgate.exports.queues import QueueUnavailable, message_of
from vectorgate.exports.record import record_of
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.exports.queues import ExportQueue
    from vectorgate.exports.record import Record
    from vectorgate.ids import OperationId
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class FanOut:
    """Sends the record of each settled row to every queue."""

    ledger: LedgerStore
    queues: Mapping[str, ExportQueue]
    telemetry: Telemetry

    def send(self, changes: Sequence[tuple[str, Sequence[OperationId]]]) -> list[str]:
        """Send the rows of a stream's batch, each change with its sequence number; the numbers to deliver again.

        After a failure that is the first: what was sent is sent again, and the queues drop what they know.
        """
        ids = list(dict.fromkeys(id_ for _, settled in changes for id_ in settled))
        try:
            entries = self.ledger.entries(ids)
            self._send([record_of(entries[id_]) for id_ in ids if id_ in entries])
        except (StoreError, QueueUnavailable) as error:
            self.telemetry.task_failed("ExportFailures", error)
            return [changes[0][0]]
        finally:
            self.telemetry.flush()
        return []

    def _send(self, records: Sequence[Record]) -> None:
        for name, queue in self.queues.items():
            messages = (message_of(record, name) for record in records)
            queue.send([message for message in messages if message is not None])
