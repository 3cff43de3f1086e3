"""A batch of the queue: read, processed together, and each message concluded.

==================================  ============================================================================
every event of a message is Done    its reminders are sent, and the message is deleted
one is RetryLater                   the message is sent again with that delay, and deleted: its receives do not count
one is PermanentFailure, or the     the message is sent to the dead-letter queue with the reason, and deleted
message is unreadable
the table is not reachable          RetryLater: a reported message would be invisible for an hour and a half
a send failed, or a defect          the message is reported, not deleted, and received again: five times at most
==================================  ============================================================================

Send first, delete afterwards: a crash between the two leaves a copy, and a copy changes nothing.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Protocol, TypedDict, cast

from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.ingest import messages
from vectorgate.ingest.model import Done, IndexingReminder, ObjectChange, PermanentFailure, RetryLater
from vectorgate.ingest.ports import SourceUnavailable
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vectorgate.clock import Clock
    from vectorgate.ingest.model import IngestEvent, Outcome
    from vectorgate.telemetry import Telemetry

DAY_S: Final = 86_400
MAX_AGE_S: Final = 13 * DAY_S  # a queue keeps messages 14 days; the rest is for the dead-letter queue to be read
OVERDUE_S: Final = 6 * 3_600  # 80,000 requests of one store take 5.6 hours at 240 a minute, of up to 50 files each
TABLE_RETRY_S: Final = 60  # after the table was not reachable
# Attributes of a message that was sent again: Unix seconds, number of attempts, and the reason, for an operator.
FIRST_SEEN: Final = "first_seen"
ATTEMPTS: Final = "attempts"
REASON: Final = "reason"


class EventProcessor(Protocol):
    """What processes events: the ingestor."""

    def process(self, events: Sequence[IngestEvent]) -> Sequence[Outcome]:
        """One outcome an event, in their order. StoreError when the table is not reachable."""
        ...


class IngestQueue(Protocol):
    """The queue and its dead-letter queue. SourceUnavailable when a message was not sent, or perhaps not."""

    def send(self, body: str, *, seconds: int, attributes: Mapping[str, int | str]) -> None:
        """Send a message with a delay of so many seconds, or of the queue's longest."""
        ...

    def send_to_dead_letter_queue(self, body: str, *, reason: str, source: str) -> None:
        """Send a message that an operator has to see."""
        ...


class Failure(TypedDict):
    """One element of `batchItemFailures`."""

    itemIdentifier: str


class BatchResult(TypedDict):
    """What Lambda reads with ReportBatchItemFailures."""

    batchItemFailures: list[Failure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message of the queue. `first_seen`: Unix seconds, kept when the message is sent again."""

    id: str
    body: str
    first_seen: int
    attempts: int


@dataclass(frozen=True, slots=True)
class _ParsedMessage:
    """A message and its events, or the reason why it is `unreadable`."""

    message: Message
    events: Sequence[IngestEvent] = ()
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class SqsBatchHandler:
    """Handles batches of messages."""

    processor: EventProcessor
    queue: IngestQueue
    telemetry: Telemetry
    clock: Clock

    def handle(self, event: Mapping[str, object]) -> BatchResult:
        """Handle one batch; the messages to receive again. The queue deletes all others."""
        records = cast("Sequence[Mapping[str, object]]", event.get("Records", ()))
        try:
            parsed = [_parse(read_record(record)) for record in records]
            failed = [each.message.id for each, outcomes in self._process(parsed) if not self._conclude(each, outcomes)]
        finally:
            self.telemetry.flush()
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _process(self, parsed: Sequence[_ParsedMessage]) -> Iterator[tuple[_ParsedMessage, Sequence[Outcome] | None]]:
        """Each message with its outcomes; None for one that fails by a defect, so that it delays no other."""
        events = [event for each in parsed for event in each.events]
        try:
            outcomes = iter(self.processor.process(events) if events else ())
        except StoreError as error:
            retry = RetryLater(TABLE_RETRY_S, f"the table: {type(error).__name__}")
            yield from ((each, [retry] * len(each.events)) for each in parsed)
        except Exception as error:  # noqa: BLE001 - the boundary: reported with its stack, and its message is retried
            self.telemetry.unexpected_error(error)
            if len(parsed) == 1:
                yield parsed[0], None
            else:
                for each in parsed:
                    yield from self._process([each])
        else:
            yield from [(each, [next(outcomes) for _ in each.events]) for each in parsed]

    def _conclude(self, parsed: _ParsedMessage, outcomes: Sequence[Outcome] | None) -> bool:
        """Send what follows from the outcomes; whether the message may be deleted."""
        if outcomes is None:
            return False
        try:
            self._send(parsed, outcomes)
        except SourceUnavailable:
            self.telemetry.count("IngestUnsent")
            return False
        return True

    def _send(self, parsed: _ParsedMessage, outcomes: Sequence[Outcome]) -> None:
        for done in outcomes:
            if isinstance(done, Done) and done.follow_up is not None:
                self._remind(done.follow_up, done.seconds)
        retries = [outcome for outcome in outcomes if isinstance(outcome, RetryLater)]
        failures = [outcome.reason for outcome in outcomes if isinstance(outcome, PermanentFailure)]
        if parsed.unreadable is not None:
            self._dead_letter(parsed, parsed.unreadable)
        elif retries:
            self._send_again(parsed, max(retries, key=lambda outcome: outcome.seconds))
        elif failures:
            self._dead_letter(parsed, "; ".join(failures))

    def _remind(self, reminder: IndexingReminder, seconds: int) -> None:
        self.queue.send(json.dumps(messages.write_reminder(reminder)), seconds=seconds, attributes={})

    def _send_again(self, parsed: _ParsedMessage, retry: RetryLater) -> None:
        """Send the message again, or to the dead-letter queue before the queue would delete it for its age.

        After n attempts the delay is at least n seconds: what keeps failing is attempted a few thousand times in 13
        days, not a quarter of a million.
        """
        message = parsed.message
        age = self.clock.unix_s() - message.first_seen
        if age > MAX_AGE_S:
            tried = f"{age // DAY_S} days and {message.attempts} attempts"
            self._dead_letter(parsed, f"given up after {tried}: {retry.reason}")
            return
        if age > OVERDUE_S:
            self.telemetry.count("IngestOverdue")
        attributes: dict[str, int | str] = {FIRST_SEEN: message.first_seen, ATTEMPTS: message.attempts + 1}
        seconds = max(retry.seconds, message.attempts)
        self.queue.send(message.body, seconds=seconds, attributes=attributes | {REASON: retry.reason})
        self.telemetry.count("IngestPutOff")

    def _dead_letter(self, parsed: _ParsedMessage, reason: str) -> None:
        source = ", ".join(source_of(event) for event in parsed.events) or "unreadable"
        self.queue.send_to_dead_letter_queue(parsed.message.body, reason=reason, source=source)
        self.telemetry.count("IngestSetAside")


def read_record(record: Mapping[str, object]) -> Message:
    """A message as Lambda delivers it. Without the attribute, it is first seen when it was sent."""
    system = cast("Mapping[str, str]", record.get("attributes", {}))
    sent = int(system["SentTimestamp"]) // MILLISECONDS
    first_seen, attempts = (_number(record, name) for name in (FIRST_SEEN, ATTEMPTS))
    return Message(
        id=str(record["messageId"]),
        body=str(record["body"]),
        first_seen=sent if first_seen is None else min(first_seen, sent),
        attempts=attempts or 0,
    )


def source_of(event: IngestEvent) -> str:
    """The text by which an operator finds an event's message in the dead-letter queue."""
    if isinstance(event, ObjectChange):
        return f"s3://{event.location.bucket}/{event.location.key}"
    if isinstance(event, IndexingReminder):
        return f"{event.vector_store_id} {event.batch_id}"
    return f"{event.source} {event.event_id}"


def _parse(message: Message) -> _ParsedMessage:
    try:
        return _ParsedMessage(message, messages.read_events(json.loads(message.body)))
    except messages.UnreadableMessage as error:
        return _ParsedMessage(message, unreadable=str(error))
    except (ValueError, RecursionError):
        return _ParsedMessage(message, unreadable="the message is not JSON")


def _number(record: Mapping[str, object], name: str) -> int | None:
    attributes = cast("Mapping[str, Mapping[str, str]]", record.get("messageAttributes", {}))
    text = attributes.get(name, {}).get("stringValue", "")
    return int(text) if text.isascii() and text.isdigit() else None
