"""The queues between settlement and destinations: one for each destination.

::

    stream: settled rows --> FanOut --> in order: a message for each record, group = store
                                        without order: as few messages as hold the records
    queue of a destination --> Exporter --> Destination.deliver
                                  failed: the message is invisible for a growing pause, and its group's later ones wait
                                  refused: the dead-letter queue, a message for each record, with the reason
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

from vectorgate.api.http import encode_json
from vectorgate.classes import dataclass
from vectorgate.exports.documents import document_of, parts_of
from vectorgate.exports.names import IN_ORDER, SLACK

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.exports.record import Record


class QueueUnavailable(Exception):
    """A message was not sent, or perhaps not."""


@dataclass(frozen=True, slots=True)
class Message:
    """Records on their way. In order, each of a group waits until the one before it is concluded."""

    id: str
    group: str
    body: str


class ExportQueue(Protocol):
    """The queue of one destination. QueueUnavailable."""

    def send(self, messages: Sequence[Message]) -> None:
        """Send messages in this order. After QueueUnavailable some may have been sent."""
        ...

    def put_off(self, receipt: str, seconds: int) -> None:
        """Have a received message come again after so many seconds."""
        ...

    def set_aside(self, message: Message, reason: str) -> None:
        """Send a message to the dead-letter queue."""
        ...


def messages_of(records: Sequence[Record], destination: str) -> list[Message]:
    """The messages of records for a destination."""
    if destination in IN_ORDER:
        return [message for record in records if (message := message_of(record, destination)) is not None]
    return [Message(str(part[0]["id"]), destination, document_of(part)) for part in parts_of(records)]


def message_of(record: Record, destination: str) -> Message | None:
    """The message of a record for a destination in order; None for one that the destination has no use for."""
    body = encode_json(record).decode("ascii")
    if destination == SLACK:  # it gets records with budgets alone, one after the other
        return Message(str(record["id"]), SLACK, body) if record.get("budgets") else None
    return Message(str(record["id"]), _group(record), body)


def _group(record: Record) -> str:
    """A store's records are one group; a record without a store is one by itself."""
    store = record.get("vector_store_id")
    if store is None:
        return str(record["id"])
    return hashlib.sha256(f"{record.get('provider')}#{store}".encode()).hexdigest()
