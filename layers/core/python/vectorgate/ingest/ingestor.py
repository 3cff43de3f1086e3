"""What the notices ask for, done through the gateway's own descent.

::

    take   each notice   its sender's team -> Postponed, Rejected, Done, or a file that is Wanted in a store
           the wanted    attached in batches, a store at a time
           each ending   Done (with a reminder), Later, or Poison (with a `Failed` event for the team)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.api.errors import InvalidRequest
from vectorgate.api.schemas import CreateVectorStoreFile, validate
from vectorgate.gateway.policy import Policy
from vectorgate.ids import ObjectId
from vectorgate.ingest.address import address_of, is_folder
from vectorgate.ingest.attaching import Attached, Attaching, Wanted
from vectorgate.ingest.indexing import Batches, Watching, look_after, refusal_of, source_of
from vectorgate.ingest.model import (
    AttachRequested,
    Change,
    CreateRequested,
    Done,
    Kind,
    PermanentFailure,
    Postponed,
    Rejected,
    Result,
    RetryLater,
    Watch,
    order_of,
)
from vectorgate.ingest.object_changes import NOTHING, Changes
from vectorgate.ingest.ports import SourceUnavailable
from vectorgate.ingest.store_resolver import StoreResolver
from vectorgate.ingest.team_client import SOON, TeamClient, step_key
from vectorgate.store_errors import StateConflict, StoreError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.clock import Clock
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ingest.attaching import Ending
    from vectorgate.ingest.model import IngestEvent, ObjectLocation, Outcome
    from vectorgate.ingest.ports import Bus, IngestStore, Objects

UPLOAD_SECONDS: Final = 600.0  # reading an object, spooling it, and sending it on
TAKE_SECONDS: Final = 180.0
STORE_AWAY: Final = 5  # seconds until a table or a bucket is asked again
LOST_RACE: Final = "Something else changed the same row at the same moment."

Trouble: TypeAlias = Postponed | Rejected | StoreError | SourceUnavailable
_TROUBLES: Final = (Postponed, Rejected, StoreError, SourceUnavailable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingestor:
    """Everything that ingestion needs.

    `gateway` takes uploads of `operations.UPLOAD_BODY` bytes, and spools them in the temporary folder: 1 GiB of it.
    `senders`: the team behind each first segment of a key, and behind each `source` of an event; nobody else is heard.
    `buckets`: those whose objects are ingested, as `ObjectLocation.bucket` names them.
    """

    gateway: Gateway
    store: IngestStore
    objects: Objects
    bus: Bus
    senders: Mapping[str, str]
    buckets: Collection[str]
    clock: Clock
    upload_seconds: float = UPLOAD_SECONDS

    def take(self, notices: Sequence[IngestEvent], *, within: float = TAKE_SECONDS) -> list[Outcome]:
        """One outcome a notice, in their order. No upload is begun after `within` seconds: those come Later.

        When the last of those could have ended, nothing more is asked: an invocation ends after at most
        `within + upload_seconds`, and one call of 28 s, however many notices there are and however slow the provider.
        """
        return _Taking(self, notices, self.clock.monotonic() + within).outcomes()

    def client(self, team: str, until: float) -> TeamClient:
        """The gateway, as that team, until that monotonic second."""
        return TeamClient(self.gateway, team, until)


class _Taking:
    """Notices that were taken together."""

    def __init__(self, ingestor: Ingestor, notices: Sequence[IngestEvent], until: float) -> None:
        self._ingestor = ingestor
        self._notices = notices
        self._until = until
        self._end = until + ingestor.upload_seconds
        self._names = StoreResolver(ingestor.store)
        self._changes = Changes(
            store=ingestor.store,
            objects=ingestor.objects,
            names=self._names,
            clock=ingestor.clock,
            upload_seconds=ingestor.upload_seconds,
            client_of=self._client,
        )
        self._watching = Watching(ingestor.store, ingestor.bus, frozenset(ingestor.senders.values()))
        self._batches = Batches([notice for notice in notices if isinstance(notice, Watch)])

    def outcomes(self) -> list[Outcome]:
        """Each notice by itself, then all attachments together."""
        ended: dict[int, Outcome] = {}
        wanted: list[Wanted] = []
        for index in in_order(self._notices):
            step = self._begun(index)
            if isinstance(step, Wanted):
                wanted.append(step)
            else:
                ended[index] = step
        attaching = Attaching(self._ingestor.store, self._names, self._ingestor.clock)
        for index, ending in attaching.attach(wanted).items():
            ended[index] = self._ended(self._notices[index], ending)
        return [ended[index] for index in range(len(self._notices))]

    def _begun(self, index: int) -> Outcome | Wanted:
        notice = self._notices[index]
        if self._ingestor.clock.monotonic() >= self._end:
            return RetryLater(SOON, "There was no time left for it.")
        try:
            match notice:
                case Change():
                    return self._change(index, notice)
                case CreateRequested():
                    return self._create(notice)
                case AttachRequested():
                    return self._attach(index, notice)
                case Watch():
                    return self._watching.look(self._client(notice.team), notice, self._batches)
        except _TROUBLES as trouble:
            return self._outcome(notice, trouble)

    def _change(self, index: int, change: Change) -> Done | Wanted:
        if change.place.bucket not in self._ingestor.buckets:
            raise Rejected("Objects of this bucket are not ingested.")
        if is_folder(change.place.key):
            return NOTHING
        address = address_of(change.place.key)
        late = self._ingestor.clock.monotonic() >= self._until
        return self._changes.begin(index, change, self._client_of(address.sender), address, late=late)

    def _create(self, notice: CreateRequested) -> Done:
        client = self._client_of(notice.source)
        policy = Policy(idempotency_key=step_key("create", notice.source, notice.event_id))
        made = client.call("vector_stores.create", body=notice.body, policy=policy)
        detail = {**source_of(notice.event_id), "vector_store_id": made.get("id"), "name": made.get("name")}
        self._ingestor.bus.publish([Result(kind=Kind.STORE_CREATED, detail=detail)])
        return NOTHING

    def _attach(self, index: int, notice: AttachRequested) -> Wanted:
        client = self._client_of(notice.source)
        asked = {"attributes": notice.attributes, "chunking_strategy": notice.chunking_strategy}
        fields = {name: value for name, value in asked.items() if value is not None}
        try:
            validate(CreateVectorStoreFile, {"file_id": notice.file_id, **fields})
        except InvalidRequest as error:
            raise Rejected(error.message, code=error.code, param=error.param) from error
        named = notice.vector_store_id is None
        store_id = self._names.resolve(client, str(notice.name)) if named else ObjectId(str(notice.vector_store_id))
        return Wanted(
            index=index,
            client=client,
            store_id=store_id,
            name=notice.name,
            file_id=ObjectId(notice.file_id),
            fields=fields,
            origin=notice.event_id,
            again=True,
        )

    def _client_of(self, sender: str) -> TeamClient:
        team = self._ingestor.senders.get(sender)
        if team is None:
            raise Rejected(
                "No team is mapped to this sender: add it to IngestSenders (VECTORGATE_INGEST_SENDERS).",
                status=403,
                code="unknown_sender",
            )
        return self._client(team)

    def _client(self, team: str) -> TeamClient:
        return self._ingestor.client(team, self._end)

    def _ended(self, notice: IngestEvent, ending: Ending) -> Outcome:
        """What became of a file that was to be attached."""
        try:
            if isinstance(ending, Rejected) and isinstance(notice, Change):
                self._clear_obsolete(notice)
            if not isinstance(ending, Attached):
                return self._outcome(notice, ending)
            wanted = ending.wanted
            if wanted.row is not None:
                return self._changes.settle(wanted.row)
        except _TROUBLES as trouble:
            return self._outcome(notice, trouble)
        watch = Watch(
            team=wanted.client.team,
            vector_store_id=wanted.store_id,
            batch_id=ending.batch_id or None,
            files={wanted.file_id: wanted.origin},
        )
        return Done(watch, look_after(0))

    def _outcome(self, notice: IngestEvent, trouble: Trouble) -> Outcome:
        """Later for whatever may pass, Poison for what will not, once the team was told."""
        match trouble:
            case Postponed():
                return RetryLater(trouble.seconds, trouble.reason)
            case StateConflict():
                return RetryLater(SOON, LOST_RACE)
            case Rejected():
                return self._refused(notice, trouble)
            case _:
                return RetryLater(STORE_AWAY, f"{type(trouble).__name__}: {trouble}")

    def _refused(self, notice: IngestEvent, error: Rejected) -> Outcome:
        try:
            result = self._failed(notice, error)
            if result is not None:
                self._ingestor.bus.publish([result])
        except (Postponed, StoreError, SourceUnavailable) as trouble:
            return self._outcome(notice, trouble)
        return PermanentFailure(error.reason)

    def _clear_obsolete(self, change: Change) -> None:
        """What the object was before is not what it is now, whether or not that can be indexed."""
        row = self._ingestor.store.object_row(change.place)
        if row is not None and row.sequencer == change.sequencer:
            self._changes.clear(row)

    def _failed(self, notice: IngestEvent, error: Rejected) -> Result | None:
        """The event for the team; None where there is no telling whose it would be."""
        if error.code == "unknown_sender":
            return None
        match notice:
            case Change():
                if notice.place.bucket not in self._ingestor.buckets:
                    return None
                return refusal_of(Kind.FILE_FAILED, source_of(notice.place, notice.version), error)
            case CreateRequested():
                return refusal_of(Kind.STORE_FAILED, source_of(notice.event_id), error)
            case AttachRequested():
                store = {"vector_store_id": notice.vector_store_id, "name": notice.name, "file_id": notice.file_id}
                return refusal_of(Kind.FILE_FAILED, source_of(notice.event_id), error, **store)
            case Watch():
                return None


def in_order(notices: Sequence[IngestEvent]) -> list[int]:
    """Their places; of several changes of one object the newest comes first, for the others are history then."""
    first: dict[ObjectLocation, int] = {}
    for index, notice in enumerate(notices):
        if isinstance(notice, Change):
            first.setdefault(notice.place, index)

    def rank(index: int) -> tuple[int, int]:
        notice = notices[index]
        return (first[notice.place], -order_of(notice.sequencer)) if isinstance(notice, Change) else (index, 0)

    return sorted(range(len(notices)), key=rank)
