"""The ports of ingestion."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.ids import ObjectId
    from vectorgate.ingest.model import ObjectLocation, ObjectRow, ResultEvent


class IngestStore(Protocol):
    """The rows of ingestion. Methods raise StoreError, and ValueError for an argument that cannot be part of a key."""

    def object_row(self, location: ObjectLocation) -> ObjectRow | None:
        """The row of an object, if it has one."""
        ...

    def put_object_row(self, row: ObjectRow) -> None:
        """Write a row whose `revision` is one more than the stored one's (1: none is stored). StateConflict."""
        ...

    def named_store(self, team: str, name: str) -> ObjectId | None:
        """The store that objects of this store name go to."""
        ...

    def name_store(self, team: str, name: str, store_id: ObjectId, *, replacing: ObjectId | None) -> None:
        """Set the store of a name, replacing that one (None: the name has none). StateConflict."""
        ...

    def admit(self, rate_key: ObjectId, window: int, *, limit: int) -> bool:
        """Count one request under `rate_key` in the window that begins at this Unix second, up to `limit`.

        False, and nothing is counted, when the window is full. All windows have one length, which the caller knows.
        When the answer is lost the request may have been counted: the count is never too low.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An open object. `size` in bytes; the receiver reads `stream` once, from its beginning, and closes it.

    Reading raises SourceUnavailable where the connection breaks. Names in `metadata` have no `x-amz-meta-` prefix.
    """

    size: int
    version: str | None
    content_type: str | None
    metadata: Mapping[str, str]
    tags: Mapping[str, str]
    stream: BinaryIO


class ObjectSource(Protocol):
    """Where the objects are. Raises SourceUnavailable."""

    def open(self, location: ObjectLocation, version: str | None) -> StoredObject | None:
        """Open that version (None: the newest); None when it does not exist."""
        ...


class EventBus(Protocol):
    """Where results are published. Raises SourceUnavailable."""

    def publish(self, results: Sequence[ResultEvent]) -> None:
        """Publish all of them, each at least once."""
        ...


class SourceUnavailable(Exception):
    """The bucket, the folder, the queue or the bus is not reachable now."""
