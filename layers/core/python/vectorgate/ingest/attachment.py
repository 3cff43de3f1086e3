"""Attach files to stores: in batches, within the provider's rate limit, each once.

::

    attachments to one store        admit (20 requests in 5 s a store)   not admitted: RetryLaterError, within a minute
      -> write each object's row    `attempted`: of two concurrent attempts, one can write it
      -> one file_batches.create    sent once, within 10 s of admission, or not at all
                                    its answer is lost: RetryLaterError; the next attempt looks the file up first
      -> write the row: attached    refused: split, until the file that the provider refuses is alone

A deleted store is replaced where it was given by name.

The provider's limit holds for any 60 seconds, not for the minutes of a clock. What is sent within 60 s was admitted
within 70 s, which overlap at most 15 windows of 5 s: 15 x 20 = 300.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.api.http import encode_json
from vectorgate.classes import dataclass
from vectorgate.gateway.policy import Policy
from vectorgate.ids import ObjectId
from vectorgate.ingest.model import PermanentFailureError, RetryLaterError
from vectorgate.ingest.object_rows import next_revision
from vectorgate.ingest.store_resolver import store_exists
from vectorgate.ingest.team_client import NOT_FOUND, SHORT_RETRY_SECONDS, step_key
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from vectorgate.clock import Clock
    from vectorgate.ingest.model import ObjectLocation, ObjectRow
    from vectorgate.ingest.ports import IngestStore
    from vectorgate.ingest.store_resolver import StoreResolver
    from vectorgate.ingest.team_client import TeamClient

    Fields: TypeAlias = Mapping[str, object]

ATTACHES_PER_MINUTE: Final = 300  # OpenAI's: for each store, /files and /file_batches together, in any 60 s
MINUTE: Final = 60
WINDOW_SECONDS: Final = 5
SEND_WITHIN_SECONDS: Final = 10  # of admission: the writes of the rows, and the gateway's own steps
ATTACHES_PER_WINDOW: Final = ATTACHES_PER_MINUTE // ((MINUTE + SEND_WITHIN_SECONDS) // WINDOW_SECONDS + 1)
MAX_BATCH_FILES: Final = 500  # Azure's limit; OpenAI takes 2,000
# After an attempt began, no other attaches the same file for so long: a call ends within 28 s.
ATTEMPT_SECONDS: Final = 60
UNKNOWN_BATCH_ID: Final = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file to attach to a store. `index`: of its event among those that are processed together.

    `name`: the store's name, where a deleted store is to be replaced. `row`: the object's; None for a requested
    attachment. `may_be_attached`: an earlier attempt may have succeeded.
    """

    index: int
    client: TeamClient
    store_id: ObjectId
    name: str | None
    file_id: ObjectId
    fields: Fields
    origin: ObjectLocation | str
    row: ObjectRow | None = None
    may_be_attached: bool = False


AttachmentResult: TypeAlias = "Attached | RetryLaterError | PermanentFailureError | StoreError"


@dataclass(frozen=True, slots=True)
class Attached:
    """The file is in the store. `batch_id`: UNKNOWN_BATCH_ID where the answer of the attaching attempt was lost."""

    attachment: Attachment
    batch_id: str


@dataclass(frozen=True, slots=True)
class BatchAttacher:
    """Attaches files in batches, a store at a time."""

    store: IngestStore
    resolver: StoreResolver
    clock: Clock

    def attach(self, attachments: Sequence[Attachment]) -> dict[int, AttachmentResult]:
        """Attach all; the result of each by its `index`."""
        results: dict[int, AttachmentResult] = {}
        for group in grouped(attachments):
            results.update(self._attach_group(group))
        return results

    def _attach_group(self, group: Sequence[Attachment]) -> dict[int, AttachmentResult]:
        results: dict[int, AttachmentResult] = {}
        pending: list[Attachment] = []
        for attachment in group:
            try:
                if self._is_attached(attachment):
                    results[attachment.index] = self._write_attached(attachment, UNKNOWN_BATCH_ID)
                else:
                    pending.append(attachment)
            except (RetryLaterError, PermanentFailureError, StoreError) as error:
                results[attachment.index] = error
        for first in range(0, len(pending), MAX_BATCH_FILES):
            results.update(self._attach_batch(pending[first : first + MAX_BATCH_FILES]))
        return results

    def _is_attached(self, attachment: Attachment) -> bool:
        """Whether an earlier attempt succeeded. RetryLaterError while that attempt may still be in flight."""
        if not attachment.may_be_attached:
            return False
        if attachment.row is not None and attachment.row.attempted is not None:
            remaining = attachment.row.attempted + ATTEMPT_SECONDS - self.clock.unix_s()
            if remaining > 0:
                raise RetryLaterError(remaining, "The file is being attached, or its answer was lost.")
        file = attachment.client.find(
            "vector_stores.files.retrieve", vector_store_id=attachment.store_id, file_id=attachment.file_id
        )
        return file is not None

    def _attach_batch(self, batch: Sequence[Attachment]) -> dict[int, AttachmentResult]:
        """Attach the files in one request, if this window admits one for the store."""
        send_before = self.clock.monotonic() + SEND_WITHIN_SECONDS
        now, client = self.clock.unix_s(), batch[0].client
        try:
            client.check_deadline()
            rate_key = rate_limit_key(client.team, batch[0].store_id)
            admitted = self.store.admit(rate_key, window_start(now), limit=ATTACHES_PER_WINDOW)
        except (RetryLaterError, StoreError) as error:
            return {attachment.index: error for attachment in batch}
        if not admitted:
            spread = client.gateway.randomness.fraction() * (MINUTE - WINDOW_SECONDS)
            delay = window_start(now) + WINDOW_SECONDS - now + spread
            refused = RetryLaterError(delay, "The store takes no more files at this moment.")
            return {attachment.index: refused for attachment in batch}
        results: dict[int, AttachmentResult] = {}
        attempted: list[Attachment] = []
        for attachment in batch:
            try:
                attempted.append(self._write_attempted(attachment, now))
            except StoreError as error:
                results[attachment.index] = error
        if attempted:
            results.update(self._send(attempted, send_before))
        return results

    def _write_attempted(self, attachment: Attachment, now: int) -> Attachment:
        """Write when the attempt began to the object's row. StoreError, also for the second of two attempts."""
        if attachment.row is None or attachment.row.attempted == now:
            return attachment
        row = next_revision(
            attachment.row, vector_store_id=attachment.store_id, file_id=attachment.file_id, attempted=now
        )
        self.store.put_object_row(row)
        return replace(attachment, row=row)

    def _send(self, batch: Sequence[Attachment], send_before: float) -> dict[int, AttachmentResult]:
        client, store_id = batch[0].client, batch[0].store_id
        try:
            created = client.call(
                "vector_stores.file_batches.create",
                {"vector_store_id": store_id},
                batch_body(batch),
                policy=Policy(attempts=1, send_before=send_before),
            )
        except RetryLaterError as error:
            return {attachment.index: error for attachment in batch}
        except PermanentFailureError as error:
            return self._resolve_refusal(batch, error)
        batch_id = str(created.get("id") or UNKNOWN_BATCH_ID)
        return {attachment.index: self._attached_or_error(attachment, batch_id) for attachment in batch}

    def _resolve_refusal(
        self, batch: Sequence[Attachment], error: PermanentFailureError
    ) -> dict[int, AttachmentResult]:
        """Replace a deleted store, or attach smaller batches to find the file that is refused."""
        try:
            if error.status == NOT_FOUND and not store_exists(batch[0].client, batch[0].store_id):
                return self._replace_store(batch, error)
        except (RetryLaterError, PermanentFailureError, StoreError) as failure:
            return {attachment.index: failure for attachment in batch}
        if len(batch) == 1:
            return {batch[0].index: error}
        results: dict[int, AttachmentResult] = {}
        for part in _split(batch, error):
            results.update(self._attach_batch(part))
        return results

    def _replace_store(self, batch: Sequence[Attachment], error: PermanentFailureError) -> dict[int, AttachmentResult]:
        results: dict[int, AttachmentResult] = {}
        for attachment in batch:
            if attachment.name is None:
                results[attachment.index] = error
                continue
            self.resolver.replace(attachment.client, attachment.name, attachment.store_id)
            results[attachment.index] = RetryLaterError(
                SHORT_RETRY_SECONDS, "The store was deleted, and a new one has its name."
            )
        return results

    def _attached_or_error(self, attachment: Attachment, batch_id: str) -> AttachmentResult:
        try:
            return self._write_attached(attachment, batch_id)
        except StoreError as error:
            return error

    def _write_attached(self, attachment: Attachment, batch_id: str) -> Attached:
        if attachment.row is None:
            return Attached(attachment, batch_id)
        row = next_revision(
            attachment.row,
            vector_store_id=attachment.store_id,
            file_id=attachment.file_id,
            attached=True,
            batch_id=batch_id,
        )
        self.store.put_object_row(row)
        return Attached(replace(attachment, row=row), batch_id)


def window_start(unix_s: int) -> int:
    """The Unix second at which the window of this one begins."""
    return unix_s - unix_s % WINDOW_SECONDS


def rate_limit_key(team: str, store_id: str) -> ObjectId:
    """The key under which requests are counted: of team and store, so that no team uses up another's rate limit."""
    return ObjectId(step_key("pace", team, store_id))


def grouped(attachments: Iterable[Attachment]) -> Iterator[list[Attachment]]:
    """By team and store; a file that two events attach to one store is in two groups."""
    groups: dict[tuple[str, str, int], list[Attachment]] = {}
    occurrences: dict[tuple[str, str, str], int] = {}
    for attachment in attachments:
        target = (attachment.client.team, attachment.store_id, attachment.file_id)
        occurrences[target] = occurrences.get(target, -1) + 1
        group = (attachment.client.team, attachment.store_id, occurrences[target])
        groups.setdefault(group, []).append(attachment)
    yield from groups.values()


def batch_body(batch: Sequence[Attachment]) -> dict[str, object]:
    """A batch's body: `file_ids` where all have the same attributes, the only form that Azure takes; else `files`."""
    if all(attachment.fields == batch[0].fields for attachment in batch):
        return {"file_ids": [attachment.file_id for attachment in batch], **batch[0].fields}
    return {"files": [{"file_id": attachment.file_id, **attachment.fields} for attachment in batch]}


def _split(batch: Sequence[Attachment], error: PermanentFailureError) -> list[Sequence[Attachment]]:
    """Smaller batches: by attributes where the provider does not take `files`, else two halves."""
    if error.param == "files" and error.code == "unsupported_parameter":
        by_fields: dict[bytes, list[Attachment]] = {}
        for attachment in batch:
            by_fields.setdefault(encode_json(dict(attachment.fields)), []).append(attachment)
        return list(by_fields.values())
    middle = len(batch) // 2
    return [batch[:middle], batch[middle:]]
