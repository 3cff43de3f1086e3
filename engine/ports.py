"""What the engine needs from outside: rows, bytes, a vector index, embeddings, and a queue.

::

    Catalogue     transactions over the rows (`Rows`) of files, stores, attachments, batches, uploads and responses
    BlobStore     bytes of files and of parts of uploads, by id
    VectorIndex   chunks and their embeddings, a store apart from every other
    Embedder      text to tokens, tokens to vectors
    WorkQueue     attachments that wait to be indexed

Two obligations cross the ports. Deleting a file, part, attachment or store leaves a `Garbage` row in the same
transaction, so that a crash cannot lose what it held. And an attachment `in_progress` is a job: the queue offers it
from the commit on, again after a crash, until it is completed, failed or cancelled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    import numpy.typing as npt

    from engine.model import (
        Attachment,
        AttributeValue,
        Batch,
        Candidates,
        Entry,
        Failure,
        File,
        Floats,
        Garbage,
        Ints,
        Job,
        Json,
        NewAttachment,
        Page,
        PageQuery,
        Query,
        Status,
        Store,
        StoredResponse,
        Upload,
        UploadStatus,
    )


class UnknownCursor(Exception):
    """A list was asked to begin or end at an object that it does not have; `object_id` is that object's."""

    def __init__(self, object_id: str) -> None:
        super().__init__(object_id)
        self.object_id = object_id


class FileRows(Protocol):
    """Rows of files. A file past its expiry is absent for all but `find`."""

    def add(self, file: File) -> None:
        """Record a file whose bytes are in place."""

    def get(self, file_id: str, now: int) -> File | None:
        """The file, unless it is absent or expired."""

    def find(self, file_id: str) -> File | None:
        """The file, expired or not."""

    def absent(self, file_ids: Sequence[str], now: int) -> list[str]:
        """Those of the ids that `get` would not find, in their order."""

    def page(self, query: PageQuery, *, purpose: str | None, now: int) -> Page[File]:
        """Part of the list, by time of creation. UnknownCursor."""

    def delete(self, file_id: str) -> None:
        """Delete the file and its attachments to every store."""

    def expire(self, now: int) -> None:
        """Delete what is past its expiry."""


class StoreRows(Protocol):
    """Rows of vector stores."""

    def add(self, store: Store) -> None:
        """Record a new store."""

    def get(self, store_id: str, now: int) -> Store | None:
        """The store, expired or not."""

    def page(self, query: PageQuery, now: int) -> Page[Store]:
        """Part of the list, by time of creation. UnknownCursor."""

    def update(self, store: Store) -> None:
        """Replace name, metadata, expiry policy and time of last activity."""

    def touch(self, store_id: str, now: int) -> None:
        """Record activity, which postpones the expiry."""

    def delete(self, store_id: str) -> bool:
        """Delete the store with its attachments and batches; whether it was there."""

    def expire(self, now: int) -> None:
        """Mark the stores that are past their expiry, and delete their attachments."""

    def has_index(self, store_id: str) -> bool:
        """Whether the store is there, and `expire` has not marked it: until then its index is kept."""


class AttachmentRows(Protocol):
    """Rows of files in stores."""

    def put(self, store_id: str, files: Sequence[NewAttachment], now: int) -> None:
        """Attach files as jobs to do, each instead of an earlier attachment of the same file."""

    def get(self, store_id: str, file_id: str) -> Attachment | None:
        """One file of a store."""

    def page(self, store_id: str, query: PageQuery, status: Status | None) -> Page[Attachment]:
        """Part of a store's list, by time of attachment. Cursors are file ids. UnknownCursor."""

    def set_attributes(self, attachment: int, attributes: Mapping[str, AttributeValue] | None) -> None:
        """Replace the attributes."""

    def delete(self, attachment: int) -> None:
        """Detach the file."""

    def usage_bytes(self, store_id: str) -> int:
        """What the chunks of a store take together."""

    def counts(self, store_id: str) -> Mapping[Status, int]:
        """How many files of a store have which status; a status without any may be left out."""

    def completed(self, store_id: str) -> list[int]:
        """The numbers of the attachments that a search may see."""

    def completed_attributes(self, store_id: str) -> Iterable[tuple[int, Mapping[str, AttributeValue]]]:
        """The same, each with its attributes."""

    def described(self, attachment: int) -> tuple[Attachment, str] | None:
        """An attachment and the name of its file."""


class BatchRows(Protocol):
    """Rows of file batches."""

    def add(self, batch: Batch, file_ids: Sequence[str]) -> None:
        """Record a batch of files that are attached."""

    def get(self, store_id: str, batch_id: str) -> Batch | None:
        """A batch of that store."""

    def page(self, batch: Batch, query: PageQuery, status: Status | None) -> Page[Attachment]:
        """Part of the list of a batch's files. UnknownCursor."""

    def counts(self, batch: Batch) -> Mapping[Status, int]:
        """How many files of the batch have which status; a status without any may be left out."""

    def cancel(self, batch: Batch) -> None:
        """Cancel the files in progress; mark the batch as cancelled if there were any."""


class UploadRows(Protocol):
    """Rows of uploads in parts."""

    def add(self, upload: Upload) -> None:
        """Record an announced upload."""

    def get(self, upload_id: str) -> Upload | None:
        """The upload."""

    def add_part(self, upload_id: str, part_id: str, size: int) -> None:
        """Record a part whose bytes are in place."""

    def part_sizes(self, upload_id: str) -> Mapping[str, int]:
        """The sizes of its parts by their ids."""

    def settle(self, upload_id: str, status: UploadStatus, file_id: str | None = None) -> None:
        """End a pending upload, and delete its parts."""

    def expire(self, now: int) -> None:
        """End the pending uploads that are past their expiry, and delete their parts."""


class ResponseRows(Protocol):
    """Rows of responses. One past its expiry is absent."""

    def add(self, response: StoredResponse) -> None:
        """Record a response."""

    def get(self, response_id: str, now: int) -> StoredResponse | None:
        """The response, unless it is absent or expired."""

    def item(self, item_id: str, now: int) -> Json | None:
        """An item that a stored response was given, or gave."""

    def settle(self, response: StoredResponse) -> bool:
        """Replace status and body, unless it has ended or is deleted; whether it was replaced."""

    def delete(self, response_id: str) -> None:
        """Delete the response."""

    def expire(self, now: int) -> None:
        """Delete what is past its expiry."""

    def claim(self) -> StoredResponse | None:
        """Take the oldest response of the queue, which is in progress from now on."""

    def under_way(self) -> Sequence[StoredResponse]:
        """The responses in progress."""


class GarbageRows(Protocol):
    """What deleted rows held and is still to be released, oldest first."""

    def oldest(self, limit: int) -> Sequence[Garbage]:
        """Up to `limit` of them."""

    def forget(self, last: Garbage) -> None:
        """Delete the rows up to and including `last`: all that they held is released."""


class Rows(Protocol):
    """The rows, as one transaction sees and changes them."""

    @property
    def files(self) -> FileRows:
        """Files."""

    @property
    def stores(self) -> StoreRows:
        """Vector stores."""

    @property
    def attachments(self) -> AttachmentRows:
        """Files in stores."""

    @property
    def batches(self) -> BatchRows:
        """File batches."""

    @property
    def uploads(self) -> UploadRows:
        """Uploads in parts."""

    @property
    def responses(self) -> ResponseRows:
        """Responses."""

    @property
    def garbage(self) -> GarbageRows:
        """What is still to be released."""

    def blob_ids(self) -> frozenset[str]:
        """The ids of all bytes that there should be: of files, of parts, and of what is still to be released."""


class Catalogue(Protocol):
    """The rows, by transactions."""

    def read(self) -> AbstractContextManager[Rows]:
        """One snapshot for all that the body reads."""

    def write(self) -> AbstractContextManager[Rows]:
        """One transaction: durable when the body ends, undone when it raises."""

    def close(self) -> None:
        """Release the connections. No transaction may be open."""


class BlobStore(Protocol):
    """Bytes by id. A blob exists whole or not at all. Ids are checked: ValueError for what is none."""

    def put(self, blob_id: str, pieces: Iterable[bytes]) -> int:
        """Store the pieces as one blob, durable when it returns; its size."""

    def open(self, blob_id: str) -> BinaryIO:
        """The bytes, to read."""

    def local_file(self, blob_id: str) -> AbstractContextManager[Path]:
        """The blob as a file on this machine, for the time of the body."""

    def discard(self, blob_id: str) -> None:
        """Release the bytes; nothing happens if there are none."""

    def clear(self, known: frozenset[str]) -> None:
        """Release whatever has none of the known ids: what a crash left behind."""


class VectorIndex(Protocol):
    """Chunks by store and attachment. Nothing of one store shows in another's scores."""

    def replace(self, store_id: str, attachment: int, entries: Sequence[Entry]) -> None:
        """Store an attachment's chunks, all or none, instead of those of an earlier try."""

    def remove(self, store_id: str, attachment: int) -> None:
        """Release an attachment's chunks."""

    def drop(self, store_id: str) -> None:
        """Release a store's index."""

    def texts(self, store_id: str, attachment: int) -> list[str]:
        """An attachment's chunks, in order."""

    def chunk_texts(self, store_id: str, chunks: Iterable[int]) -> dict[int, str]:
        """The texts of some chunks; one that is deleted is left out."""

    def candidates(self, store_id: str, query: Query, visible: Ints) -> Candidates:
        """Score the chunks of the visible attachments. None that could be among the best 50 is left out."""


class Embedder(Protocol):
    """The embedding model and its tokenizer."""

    def load(self) -> None:
        """Load the model, if it is not loaded: the first use would wait for it."""

    def tokenize(self, text: str, /) -> tuple[list[int], list[int]]:
        """Token ids, and the character at which each token starts."""

    def embed(self, ids: npt.ArrayLike) -> Floats:
        """The unit vector of a run of tokens; zeros when there are none."""


class WorkQueue(Protocol):
    """Attachments in progress, oldest first, each taken by one worker at a time."""

    def claim(self) -> Job | None:
        """Take the oldest job that no other worker has, and count the try before it can fail."""

    def complete(self, job: Job, usage_bytes: int) -> None:
        """Make the job's chunks visible; if it was cancelled or replaced meanwhile, leave them as garbage."""

    def fail(self, job: Job, failure: Failure) -> None:
        """Give the job up; nothing changes if it was cancelled or replaced meanwhile."""

    def release(self, job: Job) -> None:
        """Let other workers claim the job, if it is still to be done."""

    def notify(self) -> None:
        """Wake the workers: a commit left work to do."""

    def wait(self, seconds: float) -> None:
        """Sleep until there is work, or for that long."""
