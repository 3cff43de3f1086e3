"""The exporter: hands the messages of a destination's queue over to the destination."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vectorgate.api.http import encode_json
from vectorgate.classes import dataclass
from vectorgate.exports.delivery import deliver, pause_after
from vectorgate.exports.documents import records_in
from vectorgate.exports.queues import Message, QueueUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.clock import Random
    from vectorgate.exports.ports import DeliveryFailed, Destination
    from vectorgate.exports.queues import ExportQueue
    from vectorgate.exports.record import Record
    from vectorgate.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A message as the queue delivered it, for the `attempts`-th time."""

    receipt: str
    message: Message
    attempts: int


@dataclass(frozen=True, slots=True)
class Exporter:
    """Delivers batches of messages."""

    queues: Mapping[str, ExportQueue]
    destinations: Mapping[str, Destination]
    randomness: Random
    telemetry: Telemetry

    def handle(self, name: str, batch: Sequence[Received]) -> list[str]:
        """Deliver a batch of that destination's queue; the ids of the messages to receive again.

        Those are the first that failed and all behind it, or all of them where a dead letter cannot be sent.
        """
        try:
            failed = self._deliver(name, batch)
        except QueueUnavailable as error:
            self.telemetry.task_failed("ExportFailures", error)
            failed = batch
        finally:
            self.telemetry.flush()
        return [received.message.id for received in failed]

    def _deliver(self, name: str, batch: Sequence[Received]) -> Sequence[Received]:
        """Deliver what can be read, and set aside what cannot or is refused; the messages of what failed."""
        queue = self.queues[name]
        known: list[tuple[Received, Record]] = []
        for received in batch:
            records = records_in(received.message.body)
            known += [(received, record) for record in records]
            if not records:
                self._set_aside(queue, received.message, "unreadable")
        delivery = deliver([record for _, record in known], self.destinations[name])
        for at, reason in delivery.refused:
            self._set_aside(queue, _alone(*known[at]), reason)
        failed = list(dict.fromkeys(received for received, _ in known[delivery.done :]))
        if delivery.failure is not None:
            self._put_off(queue, failed, delivery.failure)
        return failed

    def _put_off(self, queue: ExportQueue, failed: Sequence[Received], failure: DeliveryFailed) -> None:
        self.telemetry.task_failed("ExportFailures", failure)
        for received in failed:
            pause = pause_after(received.attempts, self.randomness.fraction(), at_least=failure.retry_after)
            queue.put_off(received.receipt, math.ceil(pause))

    def _set_aside(self, queue: ExportQueue, message: Message, reason: str) -> None:
        queue.set_aside(message, reason)
        self.telemetry.count("ExportDeadLetters")


def _alone(received: Received, record: Record) -> Message:
    """The message of one of the records."""
    return Message(str(record["id"]), received.message.group, encode_json(record).decode("ascii"))
