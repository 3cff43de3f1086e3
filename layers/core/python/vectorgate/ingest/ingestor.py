"""Processes events by the gateway's own pipeline.

::

    process   each event         its sender's team -> an error, Done, or an Attachment of a file to a store
              the attachments    in batches, a store at a time
              each outcome       Done (with a reminder), RetryLater, or PermanentFailure (with a `Failed` event)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.api.errors import InvalidRequest
from vectorgate.api.schemas import CreateVectorStoreFile, validate
from vectorgate.classes import dataclass
from vectorgate.gateway.policy import Policy
from vectorgate.ids import ObjectId
from vectorgate.ingest.attachment import Attached, Attachment, BatchAttacher
from vectorgate.ingest.indexing import BatchStatuses, IndexingMonitor, check_delay, failure_event, origin_fields
from vectorgate.ingest.model import (
    AttachRequested,
    CreateRequested,
    DetailType,
    Done,
    IndexingReminder,
    ObjectChange,
    PermanentFailure,
    PermanentFailureError,
    ResultEvent,
    RetryLater,
    RetryLaterError,
    sequencer_order,
)
from vectorgate.ingest.object_changes import NOTHING_TO_DO, ObjectChangeHandler
from vectorgate.ingest.object_key import is_folder_marker, parse_object_key
from vectorgate.ingest.ports import SourceUnavailable
from vectorgate.ingest.store_resolver import StoreResolver
from vectorgate.ingest.team_client import SHORT_RETRY_SECONDS, TeamClient, step_key
from vectorgate.store_errors import StateConflict, StoreError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.clock import Clock
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ingest.attachment import AttachmentResult
    from vectorgate.ingest.model import IngestEvent, ObjectLocation, Outcome
    from vectorgate.ingest.ports import EventBus, IngestStore, ObjectSource

UPLOAD_SECONDS: Final = 600.0  # to read an object, spool it, and send it to the provider
START_WITHIN_SECONDS: Final = 180.0
UNAVAILABLE_RETRY_SECONDS: Final = 5  # after a table or a bucket was not reachable
CONFLICT: Final = "Another process changed the same row at the same moment."

ProcessingError: TypeAlias = RetryLaterError | PermanentFailureError | StoreError | SourceUnavailable
_PROCESSING_ERRORS: Final = (RetryLaterError, PermanentFailureError, StoreError, SourceUnavailable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingestor:
    """Processes events of the mapped senders.

    `gateway` takes uploads of `operations.UPLOAD_BODY` bytes, and spools them in the temporary folder: 1 GiB of it.
    `senders`: the team of each first segment of a key, and of each `source` of an event; other senders are refused.
    `buckets`: those whose objects are ingested, as `ObjectLocation.bucket` names them.
    """

    gateway: Gateway
    store: IngestStore
    objects: ObjectSource
    bus: EventBus
    senders: Mapping[str, str]
    buckets: Collection[str]
    clock: Clock
    upload_seconds: float = UPLOAD_SECONDS

    def process(self, events: Sequence[IngestEvent], *, start_within: float = START_WITHIN_SECONDS) -> list[Outcome]:
        """One outcome an event, in their order. No upload begins after `start_within` seconds: its event is retried.

        After `upload_seconds` more, no call begins at all: `process` returns after at most `start_within +
        upload_seconds` and one call of 28 s, however many events there are and however slow the provider is.
        """
        return _EventBatch(self, events, self.clock.monotonic() + start_within).outcomes()

    def client(self, team: str, deadline: float) -> TeamClient:
        """The gateway's client for that team, until that monotonic second."""
        return TeamClient(self.gateway, team, deadline)


class _EventBatch:
    """Events that are processed together."""

    def __init__(self, ingestor: Ingestor, events: Sequence[IngestEvent], last_upload_start: float) -> None:
        self._ingestor = ingestor
        self._events = events
        self._last_upload_start = last_upload_start
        self._deadline = last_upload_start + ingestor.upload_seconds
        self._resolver = StoreResolver(ingestor.store)
        self._changes = ObjectChangeHandler(
            store=ingestor.store,
            objects=ingestor.objects,
            resolver=self._resolver,
            upload_seconds=ingestor.upload_seconds,
            client_of=self._client,
        )
        self._monitor = IndexingMonitor(ingestor.store, ingestor.bus, frozenset(ingestor.senders.values()))
        self._batches = BatchStatuses([event for event in events if isinstance(event, IndexingReminder)])

    def outcomes(self) -> list[Outcome]:
        """Process each event by itself, then all attachments together."""
        outcomes: dict[int, Outcome] = {}
        attachments: list[Attachment] = []
        for index in processing_order(self._events):
            step = self._process(index)
            if isinstance(step, Attachment):
                attachments.append(step)
            else:
                outcomes[index] = step
        attacher = BatchAttacher(self._ingestor.store, self._resolver, self._ingestor.clock)
        for index, result in attacher.attach(attachments).items():
            outcomes[index] = self._finish(self._events[index], result)
        return [outcomes[index] for index in range(len(self._events))]

    def _process(self, index: int) -> Outcome | Attachment:
        event = self._events[index]
        if self._ingestor.clock.monotonic() >= self._deadline:
            return RetryLater(SHORT_RETRY_SECONDS, "There was no time left to process it.")
        try:
            match event:
                case ObjectChange():
                    return self._change(index, event)
                case CreateRequested():
                    return self._create(event)
                case AttachRequested():
                    return self._attach(index, event)
                case IndexingReminder():
                    return self._monitor.check(self._client(event.team), event, self._batches)
        except _PROCESSING_ERRORS as error:
            return self._outcome_of(event, error)

    def _change(self, index: int, change: ObjectChange) -> Done | Attachment:
        if change.location.bucket not in self._ingestor.buckets:
            raise PermanentFailureError("Objects of this bucket are not ingested.")
        if is_folder_marker(change.location.key):
            return NOTHING_TO_DO
        key = parse_object_key(change.location.key)
        may_upload = self._ingestor.clock.monotonic() < self._last_upload_start
        return self._changes.prepare(index, change, self._client_of(key.sender), key, may_upload=may_upload)

    def _create(self, event: CreateRequested) -> Done:
        client = self._client_of(event.source)
        policy = Policy(idempotency_key=step_key("create", event.source, event.event_id))
        created = client.call("vector_stores.create", body=event.body, policy=policy)
        detail = {
            **origin_fields(event.event_id),
            "vector_store_id": created.get("id"),
            "name": created.get("name"),
        }
        self._ingestor.bus.publish([ResultEvent(detail_type=DetailType.STORE_CREATED, detail=detail)])
        return NOTHING_TO_DO

    def _attach(self, index: int, event: AttachRequested) -> Attachment:
        client = self._client_of(event.source)
        optional = {"attributes": event.attributes, "chunking_strategy": event.chunking_strategy}
        fields = {name: value for name, value in optional.items() if value is not None}
        try:
            validate(CreateVectorStoreFile, {"file_id": event.file_id, **fields})
        except InvalidRequest as error:
            raise PermanentFailureError(error.message, code=error.code, param=error.param) from error
        if event.vector_store_id is not None:
            store_id = ObjectId(event.vector_store_id)
        else:
            store_id = self._resolver.resolve(client, str(event.name))
        return Attachment(
            index=index,
            client=client,
            store_id=store_id,
            name=event.name,
            file_id=ObjectId(event.file_id),
            fields=fields,
            origin=event.event_id,
            may_be_attached=True,
        )

    def _client_of(self, sender: str) -> TeamClient:
        team = self._ingestor.senders.get(sender)
        if team is None:
            raise PermanentFailureError(
                "No team is mapped to this sender: add it to IngestSenders (VECTORGATE_INGEST_SENDERS).",
                status=403,
                code="unknown_sender",
            )
        return self._client(team)

    def _client(self, team: str) -> TeamClient:
        return self._ingestor.client(team, self._deadline)

    def _finish(self, event: IngestEvent, result: AttachmentResult) -> Outcome:
        """The outcome of an event whose file was to be attached."""
        try:
            if isinstance(result, PermanentFailureError) and isinstance(event, ObjectChange):
                self._delete_obsolete(event)
            if not isinstance(result, Attached):
                return self._outcome_of(event, result)
            attachment = result.attachment
            if attachment.row is not None:
                return self._changes.finish(attachment.row)
        except _PROCESSING_ERRORS as error:
            return self._outcome_of(event, error)
        reminder = IndexingReminder(
            team=attachment.client.team,
            vector_store_id=attachment.store_id,
            batch_id=result.batch_id or None,
            files={attachment.file_id: attachment.origin},
        )
        return Done(reminder, check_delay(0))

    def _outcome_of(self, event: IngestEvent, error: ProcessingError) -> Outcome:
        """RetryLater for what a repetition can mend; else PermanentFailure, after its event is published."""
        match error:
            case RetryLaterError():
                return RetryLater(error.seconds, error.reason)
            case StateConflict():
                return RetryLater(SHORT_RETRY_SECONDS, CONFLICT)
            case PermanentFailureError():
                return self._fail(event, error)
            case _:
                return RetryLater(UNAVAILABLE_RETRY_SECONDS, f"{type(error).__name__}: {error}")

    def _fail(self, event: IngestEvent, error: PermanentFailureError) -> Outcome:
        try:
            result = self._failure_event(event, error)
            if result is not None:
                self._ingestor.bus.publish([result])
        except (RetryLaterError, StoreError, SourceUnavailable) as unavailable:
            return self._outcome_of(event, unavailable)
        return PermanentFailure(error.reason)

    def _delete_obsolete(self, change: ObjectChange) -> None:
        """Delete files of the object's older content, which must not outlive it, even if the new one is refused."""
        row = self._ingestor.store.object_row(change.location)
        if row is not None and row.sequencer == change.sequencer:
            self._changes.delete_obsolete(row)

    def _failure_event(self, event: IngestEvent, error: PermanentFailureError) -> ResultEvent | None:
        """The `Failed` event for the team; None where no team is known."""
        if error.code == "unknown_sender":
            return None
        match event:
            case ObjectChange():
                if event.location.bucket not in self._ingestor.buckets:
                    return None
                return failure_event(DetailType.FILE_FAILED, origin_fields(event.location, event.version), error)
            case CreateRequested():
                return failure_event(DetailType.STORE_FAILED, origin_fields(event.event_id), error)
            case AttachRequested():
                ids = {"vector_store_id": event.vector_store_id, "name": event.name, "file_id": event.file_id}
                return failure_event(DetailType.FILE_FAILED, origin_fields(event.event_id), error, **ids)
            case IndexingReminder():
                return None


def processing_order(events: Sequence[IngestEvent]) -> list[int]:
    """Indexes of the events; of several changes of one object the newest comes first: then the others are obsolete."""
    first: dict[ObjectLocation, int] = {}
    for index, event in enumerate(events):
        if isinstance(event, ObjectChange):
            first.setdefault(event.location, index)

    def rank(index: int) -> tuple[int, int]:
        event = events[index]
        if isinstance(event, ObjectChange):
            return first[event.location], -sequencer_order(event.sequencer)
        return index, 0

    return sorted(range(len(events)), key=rank)
