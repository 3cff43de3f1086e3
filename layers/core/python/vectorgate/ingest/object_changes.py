"""One change of one object: its row, its upload, and what becomes of the files of older changes.

::

    change   news (later sequencer)   its row is begun; the file before it becomes obsolete      one of two can write it
             the row's own            goes on where the row says
             older                    nothing, but to delete what an upload of its own may have left behind

    row      begun -> uploaded -> attempted -> attached -> obsolete files gone -> reported
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from vectorgate.ingest.attaching import Wanted
from vectorgate.ingest.attributes import attributes_of
from vectorgate.ingest.indexing import look_after
from vectorgate.ingest.model import Change, Done, Postponed, Rejected, Watch
from vectorgate.ingest.object_rows import begun, following, is_news, is_same, overtaken, upload_key
from vectorgate.ingest.team_client import SOON
from vectorgate.ingest.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.clock import Clock
    from vectorgate.ids import ObjectId
    from vectorgate.ingest.address import Address
    from vectorgate.ingest.model import ObjectRow
    from vectorgate.ingest.ports import IngestStore, Objects, StoredObject
    from vectorgate.ingest.store_resolver import StoreResolver
    from vectorgate.ingest.team_client import TeamClient

NOTHING: Final = Done()
BEFORE_ALL: Final = "0"  # a sequencer


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What changes of objects need. `client_of`: the gateway as a team."""

    store: IngestStore
    objects: Objects
    names: StoreResolver
    clock: Clock
    upload_seconds: float
    client_of: Callable[[str], TeamClient]

    def begin(self, index: int, change: Change, client: TeamClient, address: Address, *, late: bool) -> Done | Wanted:
        """The file to attach, or Done. Postponed, Rejected, StoreError or SourceUnavailable.

        `late`: there is no time left to upload anything.
        """
        row = self.store.object_row(change.place)
        if row is not None and is_same(change, row):
            if row.team != client.team and not row.attached and not row.gone:
                row = self._anew(change, self._given_up(row, BEFORE_ALL), client)
            return self._go_on(index, row, client, address, late=late)
        if not is_news(change, row):
            return self._clear_up(change, client, row)
        if change.gone:
            looked = self._looked(change, row)
            if looked is None:
                return NOTHING
            change = looked
        if row is not None and row.team != client.team:
            row = self._given_up(row, row.sequencer)
        return self._go_on(index, self._anew(change, row, client), client, address, late=late)

    def _anew(self, change: Change, row: ObjectRow | None, client: TeamClient) -> ObjectRow:
        row = begun(change, row, client.team)
        self.store.put_object_row(row)
        return row

    def settle(self, row: ObjectRow) -> Done:
        """An attached object's older files, and its reminder. Postponed or StoreError."""
        self.clear(row)
        if row.reported or row.vector_store_id is None or row.file_id is None:
            return NOTHING
        watch = Watch(
            team=row.team,
            vector_store_id=row.vector_store_id,
            batch_id=row.batch_id or None,
            files={row.file_id: row.place},
        )
        return Done(watch, look_after(0))

    def clear(self, row: ObjectRow) -> ObjectRow:
        """Detach and delete the files of older changes. Postponed or StoreError; what is gone is gone."""
        if not row.obsolete and not row.loose:
            return row
        self._forget(row)
        cleared = following(row, obsolete=(), loose=())
        self.store.put_object_row(cleared)
        return cleared

    def _go_on(self, index: int, row: ObjectRow, client: TeamClient, address: Address, *, late: bool) -> Done | Wanted:
        if row.gone:
            self.clear(row)
            return NOTHING
        if row.attached:
            return self.settle(row)
        stored = self.objects.open(row.place, row.version)
        if stored is None:
            row, stored = self._as_it_is(row)
        if stored is None:
            self.clear(row)
            return NOTHING
        with stored.stream:
            try:
                attributes = attributes_of(stored.metadata, stored.tags)
                store_id = self.names.resolve(client, address.store)
                file_id = row.file_id or self._uploaded(row, client, address, stored, late=late)
            except Rejected:
                self.clear(row)  # what the object was before is not what it is now
                raise
        return Wanted(
            index=index,
            client=client,
            store_id=store_id,
            name=address.store,
            file_id=file_id,
            fields={"attributes": attributes} if attributes else {},
            origin=row.place,
            row=row if row.file_id is not None else self._noted(row, file_id),
            again=row.attempted is not None,
        )

    def _as_it_is(self, row: ObjectRow) -> tuple[ObjectRow, StoredObject | None]:
        """The version is gone before it was read. What is there now counts; what comes after has its own notices."""
        stored = self.objects.open(row.place, None) if row.version is not None else None
        version = None if stored is None else stored.version
        row = overtaken(row, sequencer=row.sequencer, version=version, gone=stored is None)
        self.store.put_object_row(row)
        return row, stored

    def _given_up(self, row: ObjectRow, sequencer: str) -> ObjectRow:
        """The sender is another team's by now: what was made for the one before goes, as that team.

        `sequencer`: one before the change that is under way, which is news still if this is where the process ends.
        """
        row = overtaken(row, sequencer=sequencer, version=row.version, gone=True)
        self.store.put_object_row(row)
        return replace(self.clear(row), vector_store_id=None)

    def _uploaded(
        self, row: ObjectRow, client: TeamClient, address: Address, stored: StoredObject, *, late: bool
    ) -> ObjectId:
        uploads = Uploads(client, upload_key(row))
        found, _ = uploads.found()
        if found is not None:
            return found
        if late:
            raise Postponed(SOON, "There is no time left for an upload.")
        return uploads.send(address.filename, stored, seconds=self.upload_seconds)

    def _noted(self, row: ObjectRow, file_id: ObjectId) -> ObjectRow:
        noted = following(row, file_id=file_id)
        self.store.put_object_row(noted)
        return noted

    def _looked(self, change: Change, row: ObjectRow | None) -> Change | None:
        """Something was removed: what the object is now; None if it is what the row says.

        Where one version of several goes, or a delete marker, another one comes to light, and tells nobody. Without
        versions, what is there by now was written later, and has a notice of its own.
        """
        current = self.objects.open(change.place, None)
        if current is None:
            return replace(change, version=None)
        current.stream.close()
        if current.version is None:
            return replace(change, version=None)
        if row is not None and not row.gone and row.version == current.version:
            return None
        return replace(change, version=current.version, gone=False)

    def _clear_up(self, change: Change, client: TeamClient, row: ObjectRow | None) -> Done:
        """An upload that was overtaken left a file that no row knows: whoever was told of the object deletes it."""
        if change.gone or row is None:
            return NOTHING
        left, _ = Uploads(client, upload_key(change)).found()
        if left is not None and left != row.file_id and left not in row.obsolete:
            forget(client, None, left)
        return NOTHING

    def _forget(self, row: ObjectRow) -> None:
        client = self.client_of(row.team)
        loose = [Uploads(client, key).found()[0] for key in row.loose]
        for file_id in (*row.obsolete, *(each for each in loose if each is not None)):
            forget(client, row.vector_store_id, file_id)


def forget(client: TeamClient, store_id: ObjectId | None, file_id: ObjectId) -> None:
    """Detach the file and delete it, as far as it is there. Postponed or Rejected."""
    if store_id is not None:
        client.find("vector_stores.files.delete", vector_store_id=store_id, file_id=file_id)
    client.find("files.delete", file_id=file_id)
