"""A batch of the queue: read, taken all at once, and each message settled.

=============================  ==================================================================================
every notice of it is Done     reminders are sent, and the message is deleted
one comes Later                it is sent again with that delay, and deleted: it so never uses up its receives
one is Poison, or unreadable   it is sent to the dead-letter queue with the reason, and deleted
the table cannot be reached    it comes Later: reported, it would be invisible for an hour and a half
sending it failed, a defect    it is reported, not deleted, and comes again by itself: five times at most
=============================  ==================================================================================

Sent first, deleted afterwards: what a crash between the two leaves is a copy, and a copy changes nothing.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypedDict, cast

from vectorgate.clock import MILLISECONDS
from vectorgate.ingest import messages
from vectorgate.ingest.model import Change, Done, PermanentFailure, RetryLater, Watch
from vectorgate.ingest.ports import SourceUnavailable
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from vectorgate.clock import Clock
    from vectorgate.entrypoints.function import Event
    from vectorgate.ingest.model import IngestEvent, Outcome
    from vectorgate.telemetry import Telemetry

DAY_S: Final = 86_400
GIVEN_UP_S: Final = 13 * DAY_S  # a queue keeps 14 days; the rest is for the one that is set aside to be seen
OVERDUE_S: Final = 6 * 3_600  # 80,000 requests of one store take 5.6 hours at 240 a minute, of up to 50 files each
UNREACHABLE_S: Final = 60  # until the table is asked again
# Attributes of a message that was sent again: Unix seconds, how often, and why, for somebody who looks into the queue.
FIRST_SEEN: Final = "first_seen"
ATTEMPTS: Final = "attempts"
REASON: Final = "reason"


class Taker(Protocol):
    """What does as the notices say: the ingestor."""

    def take(self, notices: Sequence[IngestEvent]) -> Sequence[Outcome]:
        """One outcome a notice, in their order. StoreError when the table cannot be reached."""
        ...


class IngestQueue(Protocol):
    """Both queues. Raises SourceUnavailable when a message was not sent, or may not have been."""

    def send(self, body: str, *, seconds: int, attributes: Mapping[str, int | str]) -> None:
        """A message that comes in so many seconds, or in as many as the queue can wait."""
        ...

    def set_aside(self, body: str, *, reason: str, source: str) -> None:
        """A message that somebody has to look at."""
        ...


class Failure(TypedDict):
    """One element of `batchItemFailures`."""

    itemIdentifier: str


class BatchResult(TypedDict):
    """What Lambda reads with ReportBatchItemFailures."""

    batchItemFailures: list[Failure]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One of the queue. `first_seen` in Unix seconds, before it was sent again for the first time."""

    id: str
    body: str
    first_seen: int
    attempts: int


@dataclass(frozen=True, slots=True)
class _Opened:
    """A message and what it says. `unreadable` says why it says nothing."""

    message: Message
    notices: Sequence[IngestEvent] = ()
    unreadable: str | None = None


@dataclass(frozen=True, slots=True)
class SqsBatchHandler:
    """Everything that a batch needs."""

    taker: Taker
    mail: IngestQueue
    telemetry: Telemetry
    clock: Clock

    def receive(self, event: Event) -> BatchResult:
        """One batch. The messages that it names are to come again; the queue may forget all others."""
        records = cast("Sequence[Mapping[str, object]]", event.get("Records", ()))
        try:
            opened = [_open(read_record(record)) for record in records]
            failed = [each.message.id for each, outcomes in self._taken(opened) if not self._settled(each, outcomes)]
        finally:
            self.telemetry.flush()
        return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}

    def _taken(self, opened: Sequence[_Opened]) -> Iterator[tuple[_Opened, Sequence[Outcome] | None]]:
        """Each message with its outcomes; None for one at which we fail, so that it holds up no other."""
        notices = [notice for each in opened for notice in each.notices]
        try:
            outcomes = iter(self.taker.take(notices) if notices else ())
        except StoreError as error:
            later = RetryLater(UNREACHABLE_S, f"the table: {type(error).__name__}")
            yield from ((each, [later] * len(each.notices)) for each in opened)
        except Exception as error:  # noqa: BLE001 - the boundary: reported with its place, and its message comes again
            self.telemetry.crashed(error)
            if len(opened) == 1:
                yield opened[0], None
            else:
                for each in opened:
                    yield from self._taken([each])
        else:
            yield from [(each, [next(outcomes) for _ in each.notices]) for each in opened]

    def _settled(self, opened: _Opened, outcomes: Sequence[Outcome] | None) -> bool:
        """Whether everything was sent that has to be, and the message may be deleted."""
        if outcomes is None:
            return False
        try:
            self._send(opened, outcomes)
        except SourceUnavailable:
            self.telemetry.count("IngestUnsent")
            return False
        return True

    def _send(self, opened: _Opened, outcomes: Sequence[Outcome]) -> None:
        for done in outcomes:
            if isinstance(done, Done) and done.follow_up is not None:
                self._remind(done.follow_up, done.seconds)
        later = [outcome for outcome in outcomes if isinstance(outcome, RetryLater)]
        poison = [outcome.reason for outcome in outcomes if isinstance(outcome, PermanentFailure)]
        if opened.unreadable is not None:
            self._set_aside(opened, opened.unreadable)
        elif later:
            self._put_off(opened, max(later, key=lambda outcome: outcome.seconds))
        elif poison:
            self._set_aside(opened, "; ".join(poison))

    def _remind(self, watch: Watch, seconds: int) -> None:
        self.mail.send(json.dumps(messages.write(watch)), seconds=seconds, attributes={})

    def _put_off(self, opened: _Opened, later: RetryLater) -> None:
        """Sent again; or set aside before the queue would lose it.

        Who was put off n times waits n seconds at least: what goes on failing is tried a few thousand times in 13 days,
        not a quarter of a million.
        """
        message = opened.message
        age = self.clock.unix_s() - message.first_seen
        if age > GIVEN_UP_S:
            tried = f"{age // DAY_S} days and {message.attempts} attempts"
            self._set_aside(opened, f"given up after {tried}: {later.reason}")
            return
        if age > OVERDUE_S:
            self.telemetry.count("IngestOverdue")
        attributes: dict[str, int | str] = {FIRST_SEEN: message.first_seen, ATTEMPTS: message.attempts + 1}
        seconds = max(later.seconds, message.attempts)
        self.mail.send(message.body, seconds=seconds, attributes=attributes | {REASON: later.reason})
        self.telemetry.count("IngestPutOff")

    def _set_aside(self, opened: _Opened, reason: str) -> None:
        source = ", ".join(origin(notice) for notice in opened.notices) or "unreadable"
        self.mail.set_aside(opened.message.body, reason=reason, source=source)
        self.telemetry.count("IngestSetAside")


def read_record(record: Mapping[str, object]) -> Message:
    """A message as Lambda hands it over. When it was first seen is when it was sent, if it does not say otherwise."""
    system = cast("Mapping[str, str]", record.get("attributes", {}))
    sent = int(system["SentTimestamp"]) // MILLISECONDS
    first_seen, attempts = (_number(record, name) for name in (FIRST_SEEN, ATTEMPTS))
    return Message(
        id=str(record["messageId"]),
        body=str(record["body"]),
        first_seen=sent if first_seen is None else min(first_seen, sent),
        attempts=attempts or 0,
    )


def origin(notice: IngestEvent) -> str:
    """What somebody who looks for a message would search for."""
    if isinstance(notice, Change):
        return f"s3://{notice.place.bucket}/{notice.place.key}"
    if isinstance(notice, Watch):
        return f"{notice.vector_store_id} {notice.batch_id}"
    return f"{notice.source} {notice.event_id}"


def _open(message: Message) -> _Opened:
    try:
        return _Opened(message, messages.read(json.loads(message.body)))
    except messages.Unreadable as error:
        return _Opened(message, unreadable=str(error))
    except (ValueError, RecursionError):
        return _Opened(message, unreadable="the message is not JSON")


def _number(record: Mapping[str, object], name: str) -> int | None:
    attributes = cast("Mapping[str, Mapping[str, str]]", record.get("messageAttributes", {}))
    text = attributes.get(name, {}).get("stringValue", "")
    return int(text) if text.isascii() and text.isdigit() else None
