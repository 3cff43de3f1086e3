"""One change of one object: its row, its upload, and the files of older changes.

::

    change   newer (greater sequencer)  its row is written, and the file before it becomes obsolete: of two concurrent
                                        attempts, one can write it
             the row's own              continues where the row says
             older                      nothing, but to delete a file that its own upload may have left

    row      written -> uploaded -> attempted -> attached -> obsolete files deleted -> reported
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.ingest.attachment import Attachment
from vectorgate.ingest.attributes import file_attributes
from vectorgate.ingest.indexing import check_delay
from vectorgate.ingest.model import Done, IndexingReminder, ObjectChange, PermanentFailureError, RetryLaterError
from vectorgate.ingest.object_rows import (
    is_current,
    is_newer,
    next_revision,
    row_of_change,
    superseded_row,
    upload_key,
)
from vectorgate.ingest.team_client import SHORT_RETRY_SECONDS
from vectorgate.ingest.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.ids import ObjectId
    from vectorgate.ingest.model import ObjectRow
    from vectorgate.ingest.object_key import ObjectKey
    from vectorgate.ingest.ports import IngestStore, ObjectSource, StoredObject
    from vectorgate.ingest.store_resolver import StoreResolver
    from vectorgate.ingest.team_client import TeamClient

NOTHING_TO_DO: Final = Done()
BEFORE_ALL: Final = "0"  # a sequencer


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectChangeHandler:
    """Processes changes of objects. `client_of`: the gateway's client for a team. `upload_seconds`: for one upload."""

    store: IngestStore
    objects: ObjectSource
    resolver: StoreResolver
    upload_seconds: float
    client_of: Callable[[str], TeamClient]

    def prepare(
        self, index: int, change: ObjectChange, client: TeamClient, key: ObjectKey, *, may_upload: bool
    ) -> Done | Attachment:
        """Upload the object, if it is to be attached. Otherwise Done, and its obsolete files are deleted.

        RetryLaterError (also for an upload that is needed and may not begin any more), PermanentFailureError,
        StoreError or SourceUnavailable.
        """
        row = self.store.object_row(change.location)
        if row is not None and is_current(change, row):
            if row.team != client.team and not row.attached and not row.deleted:
                row = self._write_row_of(change, self._withdraw(row, BEFORE_ALL), client)
            return self._resume(index, row, client, key, may_upload=may_upload)
        if not is_newer(change, row):
            return self._delete_superseded_upload(change, client, row)
        if change.deleted:
            actual = self._actual_change(change, row)
            if actual is None:
                return NOTHING_TO_DO
            change = actual
        if row is not None and row.team != client.team:
            row = self._withdraw(row, row.sequencer)
        return self._resume(index, self._write_row_of(change, row, client), client, key, may_upload=may_upload)

    def finish(self, row: ObjectRow) -> Done:
        """Delete an attached object's older files; Done with its reminder. RetryLaterError or StoreError."""
        self.delete_obsolete(row)
        if row.reported or row.vector_store_id is None or row.file_id is None:
            return NOTHING_TO_DO
        reminder = IndexingReminder(
            team=row.team,
            vector_store_id=row.vector_store_id,
            batch_id=row.batch_id or None,
            files={row.file_id: row.location},
        )
        return Done(reminder, check_delay(0))

    def delete_obsolete(self, row: ObjectRow) -> ObjectRow:
        """Detach and delete the files of older changes, as far as they exist. RetryLaterError or StoreError."""
        if not row.obsolete and not row.unresolved_uploads:
            return row
        client = self.client_of(row.team)
        resolved = [Uploads(client, key).existing()[0] for key in row.unresolved_uploads]
        for file_id in (*row.obsolete, *(each for each in resolved if each is not None)):
            delete_file(client, row.vector_store_id, file_id)
        return self._write(row, obsolete=(), unresolved_uploads=())

    def _write(self, row: ObjectRow, **changes: object) -> ObjectRow:
        row = next_revision(row, **changes)
        self.store.put_object_row(row)
        return row

    def _write_row_of(self, change: ObjectChange, row: ObjectRow | None, client: TeamClient) -> ObjectRow:
        row = row_of_change(change, row, client.team)
        self.store.put_object_row(row)
        return row

    def _resume(
        self, index: int, row: ObjectRow, client: TeamClient, key: ObjectKey, *, may_upload: bool
    ) -> Done | Attachment:
        if row.deleted:
            self.delete_obsolete(row)
            return NOTHING_TO_DO
        if row.attached:
            return self.finish(row)
        stored = self.objects.open(row.location, row.version)
        if stored is None:
            row, stored = self._open_newest(row)
        if stored is None:
            self.delete_obsolete(row)
            return NOTHING_TO_DO
        with stored.stream:
            try:
                attributes = file_attributes(stored.metadata, stored.tags)
                store_id = self.resolver.resolve(client, key.store)
                file_id = row.file_id or self._upload(row, client, key, stored, may_upload=may_upload)
            except PermanentFailureError:
                self.delete_obsolete(row)  # files of the object's older content must not outlive it
                raise
        return Attachment(
            index=index,
            client=client,
            store_id=store_id,
            name=key.store,
            file_id=file_id,
            fields={"attributes": attributes} if attributes else {},
            origin=row.location,
            row=row if row.file_id is not None else self._write(row, file_id=file_id),
            may_be_attached=row.attempted is not None,
        )

    def _open_newest(self, row: ObjectRow) -> tuple[ObjectRow, StoredObject | None]:
        """Continue with the newest version where the row's was deleted before it was read.

        Later changes have events of their own.
        """
        stored = self.objects.open(row.location, None) if row.version is not None else None
        version = None if stored is None else stored.version
        row = superseded_row(row, sequencer=row.sequencer, version=version, deleted=stored is None)
        self.store.put_object_row(row)
        return row, stored

    def _withdraw(self, row: ObjectRow, sequencer: str) -> ObjectRow:
        """The sender is mapped to another team now: delete the former team's files, as that team.

        `sequencer`: one before the change that is being processed, which stays newer if the process stops here.
        """
        row = superseded_row(row, sequencer=sequencer, version=row.version, deleted=True)
        self.store.put_object_row(row)
        return replace(self.delete_obsolete(row), vector_store_id=None)

    def _upload(
        self, row: ObjectRow, client: TeamClient, key: ObjectKey, stored: StoredObject, *, may_upload: bool
    ) -> ObjectId:
        uploads = Uploads(client, upload_key(row))
        existing, _ = uploads.existing()
        if existing is not None:
            return existing
        if not may_upload:
            raise RetryLaterError(SHORT_RETRY_SECONDS, "There is no time left for an upload.")
        return uploads.upload(key.filename, stored, seconds=self.upload_seconds)

    def _actual_change(self, change: ObjectChange, row: ObjectRow | None) -> ObjectChange | None:
        """What a deletion left: a deleted object, or another version; None if that is the row's own.

        Where one version of several is deleted, or a delete marker, another version becomes the newest, without an
        event. Without versions, an object that exists now was written later, and has an event of its own.
        """
        newest = self.objects.open(change.location, None)
        if newest is None:
            return replace(change, version=None)
        newest.stream.close()
        if newest.version is None:
            return replace(change, version=None)
        if row is not None and not row.deleted and row.version == newest.version:
            return None
        return replace(change, version=newest.version, deleted=False)

    def _delete_superseded_upload(self, change: ObjectChange, client: TeamClient, row: ObjectRow | None) -> Done:
        """Delete the file of an older change whose upload ended after a newer change: no row names it."""
        if change.deleted or row is None:
            return NOTHING_TO_DO
        file_id, _ = Uploads(client, upload_key(change)).existing()
        if file_id is not None and file_id != row.file_id and file_id not in row.obsolete:
            delete_file(client, None, file_id)
        return NOTHING_TO_DO


def delete_file(client: TeamClient, store_id: ObjectId | None, file_id: ObjectId) -> None:
    """Detach the file and delete it, as far as it exists. RetryLaterError or PermanentFailureError."""
    if store_id is not None:
        client.find("vector_stores.files.delete", vector_store_id=store_id, file_id=file_id)
    client.find("files.delete", file_id=file_id)
