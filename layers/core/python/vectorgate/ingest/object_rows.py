"""The rows of objects from one change to the next."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vectorgate.ingest.model import ObjectRow, order_of
from vectorgate.ingest.team_client import step_key

if TYPE_CHECKING:
    from vectorgate.ingest.model import Change


def is_news(change: Change, row: ObjectRow | None) -> bool:
    """Whether the change comes after all that was acted upon."""
    return row is None or order_of(change.sequencer) > order_of(row.sequencer)


def is_same(change: Change, row: ObjectRow) -> bool:
    """Whether the change is the one that the row is about."""
    return order_of(change.sequencer) == order_of(row.sequencer)


def begun(change: Change, row: ObjectRow | None, team: str) -> ObjectRow:
    """The row of a change that is news: what the one before it made is obsolete."""
    if row is None:
        return ObjectRow(
            place=change.place,
            revision=1,
            sequencer=change.sequencer,
            version=change.version,
            gone=change.gone,
            team=team,
        )
    return replace(overtaken(row, sequencer=change.sequencer, version=change.version, gone=change.gone), team=team)


def overtaken(row: ObjectRow, *, sequencer: str, version: str | None, gone: bool) -> ObjectRow:
    """The row of what the object is now: what was uploaded before is obsolete, or loose if it is not known yet."""
    return ObjectRow(
        place=row.place,
        revision=row.revision + 1,
        sequencer=sequencer,
        version=version,
        gone=gone,
        team=row.team,
        vector_store_id=row.vector_store_id,
        obsolete=row.obsolete if row.file_id is None else (*row.obsolete, row.file_id),
        loose=row.loose if row.file_id is not None or row.gone else (*row.loose, upload_key(row)),
    )


def upload_key(what: Change | ObjectRow) -> str:
    """Under which a change's object is uploaded: once, however often it is told."""
    return step_key("upload", what.place.bucket, what.place.key, what.version or "", f"{order_of(what.sequencer):x}")


def following(row: ObjectRow, **changes: object) -> ObjectRow:
    """The same row, written once more."""
    return replace(row, revision=row.revision + 1, **changes)  # type: ignore[arg-type]
