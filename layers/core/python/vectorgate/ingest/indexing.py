"""What became of attached files: their results, once the provider has indexed them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.ingest.model import Done, Kind, ObjectLocation, PermanentFailure, Rejected, Result
from vectorgate.ingest.object_rows import following
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from vectorgate.ingest.model import ObjectRow, Outcome, Watch
    from vectorgate.ingest.ports import Bus, IngestStore
    from vectorgate.ingest.team_client import TeamClient

    Document: TypeAlias = Mapping[str, object]

FIRST_LOOK: Final = 5  # seconds: small files are indexed by then
SLOWEST_LOOK: Final = 900
MAX_ROUNDS: Final = 100  # about a day, after which a file counts as failed
# A file that is not in the store may not be there yet; a little later it was taken out again.
ROUNDS_TO_APPEAR: Final = 5
# Of a provider's words in an event, which the bus refuses beyond 256 KB.
MOST_CODE: Final = 200
MOST_MESSAGE: Final = 2_000
_UNDER_WAY: Final = "in_progress"
_INDEXED: Final = "completed"


def look_after(number: int) -> int:
    """Seconds until a round: 5, 10, 20 ... 900."""
    return int(min(SLOWEST_LOOK, FIRST_LOOK * 2**number)) if number < MAX_ROUNDS else SLOWEST_LOOK


@dataclass(frozen=True, slots=True)
class Watching:
    """What watching needs. `teams`: those that somebody may ingest for."""

    store: IngestStore
    bus: Bus
    teams: Collection[str]

    def look(self, client: TeamClient, watch: Watch, batches: Batches) -> Outcome:
        """Publish the results that are there, and come again for the others.

        Postponed, StoreError or SourceUnavailable.
        """
        if watch.team not in self.teams:
            return PermanentFailure("Nobody ingests for this team any more.")
        again = Done(replace(watch, round=watch.round + 1), look_after(watch.round + 1))
        if watch.round < MAX_ROUNDS and batches.is_under_way(client, watch):
            return again
        waiting: dict[str, ObjectLocation | str] = {}
        for file_id, origin in watch.files.items():
            row = self.store.object_row(origin) if isinstance(origin, ObjectLocation) else None
            if isinstance(origin, ObjectLocation) and (row is None or row.file_id != file_id or row.reported):
                continue  # told before, or replaced meanwhile
            if not self._told(client, watch, file_id, origin, row):
                waiting[file_id] = origin
        if not waiting:
            return Done()
        return Done(replace(watch, files=waiting, round=watch.round + 1), look_after(watch.round + 1))

    def _told(
        self, client: TeamClient, watch: Watch, file_id: str, origin: ObjectLocation | str, row: ObjectRow | None
    ) -> bool:
        """Whether there is nothing to wait for any more."""
        shown = client.find("vector_stores.files.retrieve", vector_store_id=watch.vector_store_id, file_id=file_id)
        if shown is None and watch.round < ROUNDS_TO_APPEAR:
            return False
        if shown is not None and shown.get("status") == _UNDER_WAY and watch.round < MAX_ROUNDS:
            return False
        if shown is not None:
            self.bus.publish([result_of(watch.vector_store_id, file_id, origin, row, shown)])
        if row is not None:
            try:
                self.store.put_object_row(following(row, reported=True))
            except StateConflict:
                return True  # a newer change has it now, and a result of its own
        return True


class Batches:
    """What is known of batches while notices are taken together: reminders of one batch arrive together."""

    def __init__(self, watches: Iterable[Watch]) -> None:
        self._asked = Counter(_batch(watch) for watch in watches)
        self._known: dict[tuple[str, str, str | None], bool] = {}

    def is_under_way(self, client: TeamClient, watch: Watch) -> bool:
        """Whether nothing of the batch is done; False where asking for it would save nothing."""
        batch = _batch(watch)
        if watch.batch_id is None or self._asked[batch] < 2:  # noqa: PLR2004 - of one file, the file itself is asked for
            return False
        if batch not in self._known:
            found = client.find(
                "vector_stores.file_batches.retrieve", vector_store_id=watch.vector_store_id, batch_id=watch.batch_id
            )
            self._known[batch] = _is_whole(found)
        return self._known[batch]


def _batch(watch: Watch) -> tuple[str, str, str | None]:
    return watch.team, watch.vector_store_id, watch.batch_id


def _is_whole(batch: Document | None) -> bool:
    counts = batch.get("file_counts") if batch is not None else None
    return isinstance(counts, dict) and bool(counts.get("total")) and counts.get(_UNDER_WAY) == counts.get("total")


def source_of(origin: ObjectLocation | str, version: str | None = None) -> dict[str, object]:
    """What a result was ingested for, as its event names it."""
    if isinstance(origin, str):
        return {"event_id": origin}
    where: dict[str, object] = {"bucket": origin.bucket, "key": origin.key}
    return where if version is None else {**where, "version_id": version}


def failure(code: str | None, message: str) -> dict[str, object]:
    """Why, in two fields."""
    return {"code": code or "invalid_request", "message": message}


def result_of(
    store_id: str, file_id: str, origin: ObjectLocation | str, row: ObjectRow | None, shown: Document
) -> Result:
    """`File Indexed`, or `File Failed` with the provider's own `last_error`."""
    detail = {"vector_store_id": store_id, "file_id": file_id, **source_of(origin, row.version if row else None)}
    if shown.get("status") == _INDEXED:
        return Result(kind=Kind.FILE_INDEXED, detail={**detail, "usage_bytes": shown.get("usage_bytes")})
    error = shown.get("last_error")
    said = error if isinstance(error, dict) else {}
    message = str(said.get("message") or f"The provider left it {shown.get('status')}.")
    code = str(said.get("code") or "failed")
    return Result(kind=Kind.FILE_FAILED, detail={**detail, "error": failure(code[:MOST_CODE], message[:MOST_MESSAGE])})


def refusal_of(kind: Kind, source: Mapping[str, object], error: Rejected, **ids: object) -> Result:
    """A result for what was refused."""
    named = {name: value for name, value in ids.items() if value is not None}
    return Result(kind=kind, detail={**source, **named, "error": failure(error.code, error.reason)})
