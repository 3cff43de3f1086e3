"""The events that ingestion processes, the rows that it stores, and the outcomes of an event. Pure."""

from __future__ import annotations

import math
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ids import ObjectId

MAX_SEQUENCER: Final = 64  # digits; S3's are 16 to 18
MAX_DELAY_SECONDS: Final = 900  # the longest that a queue delays a message


@dataclass(frozen=True, slots=True)
class ObjectLocation:
    """An object's bucket (or the watched folder's name) and its key, decoded."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChange:
    """An object was written, or deleted (`deleted`).

    Of two changes of one key, the later has the greater `sequencer`: hexadecimal digits (S3's), of which the shorter is
    padded on the right with zeros. `version`: of a write, the version written; of a deletion, the one version that was
    deleted permanently, or None where the object itself is deleted (without versions, or by a delete marker).
    """

    location: ObjectLocation
    sequencer: str
    version: str | None = None
    deleted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequested:
    """`VectorStore Create Requested`. `event_id` is the event's own: a repeated delivery has the same one."""

    event_id: str
    source: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachRequested:
    """`File Attach Requested`: attach a file of the sender's team to a store of that team, given by id or by name."""

    event_id: str
    source: str
    file_id: str
    vector_store_id: str | None = None
    name: str | None = None
    attributes: Mapping[str, object] | None = None
    chunking_strategy: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexingReminder:
    """A message of our own: check whether these files are indexed.

    `files`: the origin of each file, which is an object or an event's id. `batch_id`: None where the answer that named
    it was lost. `round`: how many checks came before.
    """

    team: str
    vector_store_id: str
    batch_id: str | None
    files: Mapping[str, ObjectLocation | str]
    round: int = 0


IngestEvent: TypeAlias = ObjectChange | CreateRequested | AttachRequested | IndexingReminder


@dataclass(frozen=True, slots=True)
class Done:
    """The event is processed. `follow_up`: a reminder to send, with a delay of so many seconds.

    The reminder must be in the queue before the message that it follows from is deleted.
    """

    follow_up: IndexingReminder | None = None
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Process the event again after about so many seconds (1 to 900). Its attempts are not limited in number."""

    seconds: int
    reason: str


@dataclass(frozen=True, slots=True)
class PermanentFailure:
    """The event cannot be processed. `reason` says what the sender can do about it."""

    reason: str


Outcome: TypeAlias = Done | RetryLater | PermanentFailure


class DetailType(StrEnum):
    """The detail types of the events that ingestion publishes."""

    STORE_CREATED = "VectorStore Created"
    STORE_FAILED = "VectorStore Failed"
    FILE_INDEXED = "File Indexed"
    FILE_FAILED = "File Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultEvent:
    """An event to publish. `detail` is JSON; it names ids of the team, and holds no credential."""

    detail_type: DetailType
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRow:
    """The state of one object: the newest change that was processed, and its file.

    `revision` grows by one with each write; a write names the revision that it has read. `file_id`: the upload of this
    change. `attempted` (Unix seconds): an attempt to attach it began then. `batch_id`: the batch that attached it, ""
    if its answer was lost. `reported`: its result is published. `obsolete`: files of older changes that are still to be
    detached and deleted. `unresolved_uploads`: idempotency keys of older changes' uploads whose file id is not known.
    """

    location: ObjectLocation
    revision: int
    sequencer: str
    version: str | None = None
    deleted: bool = False
    team: str
    vector_store_id: ObjectId | None = None
    file_id: ObjectId | None = None
    attempted: int | None = None
    attached: bool = False
    batch_id: str | None = None
    reported: bool = False
    obsolete: tuple[ObjectId, ...] = ()
    unresolved_uploads: tuple[str, ...] = ()

    def to_record(self) -> dict[str, Any]:
        """The fields that have a value, under the names that they are stored by."""
        pairs = ((stored, getattr(self, name)) for name, stored in zip(_NAMES, STORED_NAMES, strict=True))
        location = {"bucket": self.location.bucket, "key": self.location.key}
        return {name: value for name, value in pairs if value is not None and value != ()} | {"place": location}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ObjectRow:
        """The inverse of `to_record`; unknown names are ignored."""
        known = {name: record[stored] for name, stored in zip(_NAMES, STORED_NAMES, strict=True) if stored in record}
        known["location"] = ObjectLocation(**known["location"])
        known |= {name: tuple(known.get(name, ())) for name in ("obsolete", "unresolved_uploads")}
        return cls(**known)


_NAMES: Final = tuple(ObjectRow.__slots__)
# Rows keep the attribute names that they were first written with, whatever the fields are called now.
_STORED_AS: Final = {"location": "place", "deleted": "gone", "unresolved_uploads": "loose"}
STORED_NAMES: Final = tuple(_STORED_AS.get(name, name) for name in _NAMES)


def sequencer_order(sequencer: str) -> int:
    """The number by which changes of one key are ordered. ValueError unless it is 1 to 64 hexadecimal digits."""
    if not 0 < len(sequencer) <= MAX_SEQUENCER:
        raise ValueError("not a sequencer")
    return int(sequencer.ljust(MAX_SEQUENCER, "0"), 16)


class RetryLaterError(Exception):
    """The event cannot be processed now: its outcome is RetryLater, after 1 to 900 seconds."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.seconds = min(MAX_DELAY_SECONDS, max(1, math.ceil(seconds)))
        self.reason = reason


class PermanentFailureError(Exception):
    """An error that every repetition would have (`PermanentFailure`). `reason` says what the sender can do about it."""

    def __init__(self, reason: str, *, status: int = 400, code: str | None = None, param: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.code = code
        self.param = param
