"""The engine's records, free of how they are stored. Times are whole seconds since the epoch; sizes are bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, Literal, TypeVar

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

DAY: Final = 86_400

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Json = dict[str, object]  # an object of a response
AttributeValue = str | int | float | bool
Status = Literal["in_progress", "completed", "failed", "cancelled"]
UploadStatus = Literal["pending", "completed", "cancelled", "expired"]
ResponseStatus = Literal["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]
GarbageKind = Literal["blob", "chunks", "index"]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class File:
    """An uploaded file. `expires_at` None: never."""

    id: str
    filename: str
    purpose: str
    size: int
    created_at: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class Store:
    """A vector store. `expired` holds from the second at which it expires, whether or not the sweep has run."""

    id: str
    name: str
    description: str | None
    metadata: Mapping[str, str]
    created_at: int
    last_active_at: int
    expires_days: int | None
    expired: bool = False

    @property
    def expires_at(self) -> int | None:
        """When it expires if it is not used until then; None: never."""
        return self.last_active_at + self.expires_days * DAY if self.expires_days else None


@dataclass(frozen=True, slots=True)
class ChunkSizes:
    """Sizes of chunks in tokens."""

    max_tokens: int
    overlap_tokens: int


@dataclass(frozen=True, slots=True)
class NewAttachment:
    """A file that is to be attached."""

    file_id: str
    attributes: Mapping[str, AttributeValue] | None
    sizes: ChunkSizes


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a file could not be indexed: what the API calls `last_error`."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file in a store.

    `number` names its chunks and is never used again: attaching the same file once more makes a new one, so that a job
    for the older one, still running, can neither complete nor spoil the newer.
    """

    number: int
    store_id: str
    file_id: str
    created_at: int
    status: Status
    usage_bytes: int
    attributes: Mapping[str, AttributeValue] | None
    sizes: ChunkSizes
    failure: Failure | None


@dataclass(frozen=True, slots=True)
class Batch:
    """Files that were attached to a store in one call."""

    id: str
    store_id: str
    created_at: int
    cancelled: bool = False


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that is sent in parts. `file_seconds`: the life of the file to be; `file_id`: the file, once complete."""

    id: str
    filename: str
    purpose: str
    size: int
    created_at: int
    expires_at: int
    file_seconds: int | None
    status: UploadStatus = "pending"
    file_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response, with all that it was given to read.

    `body` is the Response object, with the results of its searches, whatever was asked to be shown. `items` are its
    input items, oldest first, with those of the responses that it continues and their output.
    """

    id: str
    created_at: int
    expires_at: int
    status: ResponseStatus
    body: Json
    items: Sequence[Json]


@dataclass(frozen=True, slots=True)
class Garbage:
    """What a deleted row held: the bytes of `object_id`, the chunks of an attachment, or a store's whole index."""

    number: int
    kind: GarbageKind
    object_id: str
    attachment: int | None


@dataclass(frozen=True, slots=True)
class Job:
    """An attachment to index, and how often that was tried before."""

    attachment: int
    store_id: str
    file_id: str
    filename: str
    sizes: ChunkSizes
    tries: int


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Which part of a list. `after` and `before` are ids of objects of that list."""

    limit: int
    order: Literal["asc", "desc"]
    after: str | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """Part of a list, in the order that was asked for."""

    items: Sequence[Item]
    has_more: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """A chunk ready to be stored: its text, and its embedding as a unit vector."""

    text: str
    embedding: Floats


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a search: its words, its embedding, and whether lexical scores are asked for."""

    text: str
    vector: Floats
    lexical: bool


@dataclass(frozen=True, slots=True)
class Candidates:
    """Chunks that a query may find, with their scores from 0 to 1, as parallel arrays in the order they were stored.

    `lexical` is BM25, up to the share of the query's words that the best of them has; None if it was not asked for.
    """

    chunks: Ints
    attachments: Ints
    semantic: Floats
    lexical: Floats | None
