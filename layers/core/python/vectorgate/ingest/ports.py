"""The ports of ingestion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ids import ObjectId
    from vectorgate.ingest.model import ObjectLocation, ObjectRow, Result


class IngestStore(Protocol):
    """The rows. Methods raise StoreError, and ValueError for what cannot be a key."""

    def object_row(self, place: ObjectLocation) -> ObjectRow | None:
        """What is known of an object."""
        ...

    def put_object_row(self, row: ObjectRow) -> None:
        """Write the row whose `revision` is one more than the stored one's (1: there must be none). StateConflict."""
        ...

    def named_store(self, team: str, name: str) -> ObjectId | None:
        """The store that objects under this name go to."""
        ...

    def name_store(self, team: str, name: str, store_id: ObjectId, *, instead_of: ObjectId | None) -> None:
        """Note it, in place of that one (None: there must be none). StateConflict."""
        ...

    def admit(self, store_id: ObjectId, window: int, *, most: int) -> bool:
        """Count one attaching request of this store in the window that begins at this Unix second.

        False when `most` were counted in it. Windows are one as long as the other; how long is the caller's to know.

        Callers name a store by `attaching.lane_of`: no store counts what another team asks of it.

        When the answer is lost the request may have been counted: too many are counted then, never too few.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object as it is read. `size` in bytes; `stream` is read once, from the beginning, and closed by the reader.

    Reading it raises SourceUnavailable where the connection breaks. `metadata` without the `x-amz-meta-` before its
    names.
    """

    size: int
    version: str | None
    content_type: str | None
    metadata: Mapping[str, str]
    tags: Mapping[str, str]
    stream: BinaryIO


class Objects(Protocol):
    """Where the objects are. Raises SourceUnavailable."""

    def open(self, place: ObjectLocation, version: str | None) -> StoredObject | None:
        """That version (None: the newest); None when it is not there."""
        ...


class Bus(Protocol):
    """Where results go. Raises SourceUnavailable."""

    def publish(self, results: Sequence[Result]) -> None:
        """All of them; delivered at least once."""
        ...


class SourceUnavailable(Exception):
    """The bucket, the folder or the bus cannot be reached at this moment."""
