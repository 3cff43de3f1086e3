"""What ingestion is told, what it keeps, and what it answers. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ids import ObjectId

MAX_SEQUENCER: Final = 64  # digits; S3's are 16 to 18
MOST_SECONDS: Final = 900  # what a queue delays a message by, at most


@dataclass(frozen=True, slots=True)
class ObjectLocation:
    """Where an object is: a bucket (or the watched folder's name) and its key, decoded."""

    bucket: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An object was written (`gone` False) or removed.

    Of two changes of one key, the later has the greater `sequencer`. They are hexadecimal digits (S3's), the shorter
    padded on the right with zeros. `version`: of a removal, the one version that was removed for good; None where the
    object itself is gone (a plain removal, or a delete marker).
    """

    place: ObjectLocation
    sequencer: str
    version: str | None = None
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateRequested:
    """`VectorStore Create Requested`. `event_id` is the event's own: a repeated delivery bears the same one."""

    event_id: str
    source: str
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachRequested:
    """`File Attach Requested`: a file that the sender's team owns, to a store of its own, by id or by name."""

    event_id: str
    source: str
    file_id: str
    vector_store_id: str | None = None
    name: str | None = None
    attributes: Mapping[str, object] | None = None
    chunking_strategy: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """Our own reminder: files that are being indexed. `files`: what each was ingested for, an object or an event's id.

    `batch_id`: None where the answer that named it was lost. `round`: how often they were looked at before.
    """

    team: str
    vector_store_id: str
    batch_id: str | None
    files: Mapping[str, ObjectLocation | str]
    round: int = 0


IngestEvent: TypeAlias = Change | CreateRequested | AttachRequested | Watch


@dataclass(frozen=True, slots=True)
class Done:
    """Nothing is left to do. `follow_up`: what to be reminded of, after so many seconds.

    The reminder is on its way before the message that it follows from is forgotten.
    """

    follow_up: Watch | None = None
    seconds: int = 0


@dataclass(frozen=True, slots=True)
class RetryLater:
    """Not now: again after about so many seconds (0 to 900). Not an error of the message, however often it comes."""

    seconds: int
    reason: str


@dataclass(frozen=True, slots=True)
class PermanentFailure:
    """Never: to be set aside with the reason, which says what the sender can do about it."""

    reason: str


Outcome: TypeAlias = Done | RetryLater | PermanentFailure


class Kind(StrEnum):
    """The detail types of the events that come back."""

    STORE_CREATED = "VectorStore Created"
    STORE_FAILED = "VectorStore Failed"
    FILE_INDEXED = "File Indexed"
    FILE_FAILED = "File Failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """An event for the bus. `detail` is JSON; it names the team's own ids, and no credential."""

    kind: Kind
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectRow:
    """What is known of one object: the newest change that was acted upon, and what became of it.

    `revision` grows by one with each write: a write names the one that it has read. `file_id`: the upload of this
    change; `attempted` (Unix seconds): somebody began to attach it then; `batch_id`: what attached it, "" if its
    answer was lost; `reported`: its result is on the bus. `obsolete`: files of older changes that are still to be
    detached and deleted; `loose`: keys of their uploads whose files are not known.
    """

    place: ObjectLocation
    revision: int
    sequencer: str
    version: str | None = None
    gone: bool = False
    team: str
    vector_store_id: ObjectId | None = None
    file_id: ObjectId | None = None
    attempted: int | None = None
    attached: bool = False
    batch_id: str | None = None
    reported: bool = False
    obsolete: tuple[ObjectId, ...] = ()
    loose: tuple[str, ...] = ()

    def to_record(self) -> dict[str, Any]:
        """Field by field, without those that have no value: what a store keeps."""
        place = {"bucket": self.place.bucket, "key": self.place.key}
        pairs = ((each.name, getattr(self, each.name)) for each in fields(self))
        return {name: value for name, value in pairs if value is not None and value != ()} | {"place": place}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ObjectRow:
        """The inverse of `to_record`; names that it does not know are left alone."""
        known = {each.name: record[each.name] for each in fields(cls) if each.name in record}
        known["place"] = ObjectLocation(**known["place"])
        known |= {name: tuple(known.get(name, ())) for name in ("obsolete", "loose")}
        return cls(**known)


def order_of(sequencer: str) -> int:
    """By which changes of one key are ordered. ValueError for what is not hexadecimal, or of more than 64 digits."""
    if not 0 < len(sequencer) <= MAX_SEQUENCER:
        raise ValueError("not a sequencer")
    return int(sequencer.ljust(MAX_SEQUENCER, "0"), 16)


class Postponed(Exception):
    """Not now, and nobody's fault: again after so many seconds."""

    def __init__(self, seconds: float, reason: str) -> None:
        super().__init__(reason)
        self.seconds = min(MOST_SECONDS, max(1, math.ceil(seconds)))
        self.reason = reason


class Rejected(Exception):
    """It will not be done however often it is asked for. `reason` says what the sender can do about it."""

    def __init__(self, reason: str, *, status: int = 400, code: str | None = None, param: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.code = code
        self.param = param
