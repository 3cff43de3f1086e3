"""How an object's row follows from the one before it. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vectorgate.ingest.model import ObjectRow, sequencer_order
from vectorgate.ingest.team_client import step_key

if TYPE_CHECKING:
    from vectorgate.ingest.model import ObjectChange


def is_newer(change: ObjectChange, row: ObjectRow | None) -> bool:
    """Whether the change comes after all that were processed."""
    return row is None or sequencer_order(change.sequencer) > sequencer_order(row.sequencer)


def is_current(change: ObjectChange, row: ObjectRow) -> bool:
    """Whether the change is the one that the row describes."""
    return sequencer_order(change.sequencer) == sequencer_order(row.sequencer)


def row_of_change(change: ObjectChange, row: ObjectRow | None, team: str) -> ObjectRow:
    """The first row of a newer change; files of the change in `row` become obsolete."""
    if row is None:
        return ObjectRow(
            location=change.location,
            revision=1,
            sequencer=change.sequencer,
            version=change.version,
            deleted=change.deleted,
            team=team,
        )
    row = superseded_row(row, sequencer=change.sequencer, version=change.version, deleted=change.deleted)
    return replace(row, team=team)


def superseded_row(row: ObjectRow, *, sequencer: str, version: str | None, deleted: bool) -> ObjectRow:
    """The row of another version: the upload so far becomes obsolete, or unresolved if its file id is not known."""
    return ObjectRow(
        location=row.location,
        revision=row.revision + 1,
        sequencer=sequencer,
        version=version,
        deleted=deleted,
        team=row.team,
        vector_store_id=row.vector_store_id,
        obsolete=row.obsolete if row.file_id is None else (*row.obsolete, row.file_id),
        unresolved_uploads=row.unresolved_uploads
        if row.file_id is not None or row.deleted
        else (*row.unresolved_uploads, upload_key(row)),
    )


def upload_key(change: ObjectChange | ObjectRow) -> str:
    """The idempotency key of a change's upload: the same however often the change is delivered."""
    location, order = change.location, sequencer_order(change.sequencer)
    return step_key("upload", location.bucket, location.key, change.version or "", f"{order:x}")


def next_revision(row: ObjectRow, **changes: object) -> ObjectRow:
    """The same row with other values, as its next revision."""
    return replace(row, revision=row.revision + 1, **changes)  # type: ignore[arg-type]
