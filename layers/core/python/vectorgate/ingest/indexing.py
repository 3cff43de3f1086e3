"""The results of attached files, once the provider has indexed them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeAlias

from vectorgate.classes import dataclass
from vectorgate.ingest.model import (
    DetailType,
    Done,
    ObjectLocation,
    PermanentFailure,
    PermanentFailureError,
    ResultEvent,
)
from vectorgate.ingest.object_rows import next_revision
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from vectorgate.ingest.model import IndexingReminder, ObjectRow, Outcome
    from vectorgate.ingest.ports import EventBus, IngestStore
    from vectorgate.ingest.team_client import TeamClient

    Document: TypeAlias = Mapping[str, object]

FIRST_CHECK_SECONDS: Final = 5  # small files are indexed by then
MAX_CHECK_SECONDS: Final = 900
MAX_ROUNDS: Final = 100  # about a day, after which a file counts as failed
# A file that is not in the store may not be visible in it yet; after these rounds it was detached.
ROUNDS_TO_APPEAR: Final = 5
# Characters of the provider's error in an event, which the bus refuses beyond 256 KB.
MAX_ERROR_CODE: Final = 200
MAX_ERROR_MESSAGE: Final = 2_000
_IN_PROGRESS: Final = "in_progress"
_INDEXED: Final = "completed"


def check_delay(check_round: int) -> int:
    """Seconds until a round of checks: 5, 10, 20 ... 900."""
    if check_round >= MAX_ROUNDS:
        return MAX_CHECK_SECONDS
    return int(min(MAX_CHECK_SECONDS, FIRST_CHECK_SECONDS * 2**check_round))


@dataclass(frozen=True, slots=True)
class IndexingMonitor:
    """Publishes the results of indexing. `teams`: those that a sender is mapped to."""

    store: IngestStore
    bus: EventBus
    teams: Collection[str]

    def check(self, client: TeamClient, reminder: IndexingReminder, batches: BatchStatuses) -> Outcome:
        """Publish the results of files that are indexed or failed; Done with a reminder of the others.

        RetryLaterError, StoreError or SourceUnavailable.
        """
        if reminder.team not in self.teams:
            return PermanentFailure("No sender is mapped to this team any more.")
        next_round = reminder.round + 1
        if reminder.round < MAX_ROUNDS and batches.is_unstarted(client, reminder):
            return Done(replace(reminder, round=next_round), check_delay(next_round))
        pending: dict[str, ObjectLocation | str] = {}
        for file_id, origin in reminder.files.items():
            row = self.store.object_row(origin) if isinstance(origin, ObjectLocation) else None
            if isinstance(origin, ObjectLocation) and (row is None or row.file_id != file_id or row.reported):
                continue  # reported before, or replaced since
            if not self._report(client, reminder, file_id, origin, row):
                pending[file_id] = origin
        if not pending:
            return Done()
        return Done(replace(reminder, files=pending, round=next_round), check_delay(next_round))

    def _report(
        self,
        client: TeamClient,
        reminder: IndexingReminder,
        file_id: str,
        origin: ObjectLocation | str,
        row: ObjectRow | None,
    ) -> bool:
        """Publish the file's result; False while there is none."""
        file = client.find("vector_stores.files.retrieve", vector_store_id=reminder.vector_store_id, file_id=file_id)
        if file is None and reminder.round < ROUNDS_TO_APPEAR:
            return False
        if file is not None and file.get("status") == _IN_PROGRESS and reminder.round < MAX_ROUNDS:
            return False
        if file is not None:
            self.bus.publish([indexing_event(reminder.vector_store_id, file_id, origin, row, file)])
        if row is not None:
            try:
                self.store.put_object_row(next_revision(row, reported=True))
            except StateConflict:
                return True  # a newer change has the row now, and gets a result of its own
        return True


class BatchStatuses:
    """The batches of reminders that are processed together, each retrieved once: reminders of one arrive together."""

    def __init__(self, reminders: Iterable[IndexingReminder]) -> None:
        self._reminders = Counter(_batch_key(reminder) for reminder in reminders)
        self._unstarted: dict[tuple[str, str, str | None], bool] = {}

    def is_unstarted(self, client: TeamClient, reminder: IndexingReminder) -> bool:
        """Whether no file of the batch is processed yet; False, without a request, for a batch of one reminder.

        Of a single file, the file itself is retrieved instead.
        """
        key = _batch_key(reminder)
        if reminder.batch_id is None or self._reminders[key] <= 1:
            return False
        if key not in self._unstarted:
            batch = client.find(
                "vector_stores.file_batches.retrieve",
                vector_store_id=reminder.vector_store_id,
                batch_id=reminder.batch_id,
            )
            self._unstarted[key] = _all_in_progress(batch)
        return self._unstarted[key]


def _batch_key(reminder: IndexingReminder) -> tuple[str, str, str | None]:
    return reminder.team, reminder.vector_store_id, reminder.batch_id


def _all_in_progress(batch: Document | None) -> bool:
    counts = batch.get("file_counts") if batch is not None else None
    return isinstance(counts, dict) and bool(counts.get("total")) and counts.get(_IN_PROGRESS) == counts.get("total")


def origin_fields(origin: ObjectLocation | str, version: str | None = None) -> dict[str, object]:
    """The fields by which a result names the object or the event that it belongs to."""
    if isinstance(origin, str):
        return {"event_id": origin}
    location: dict[str, object] = {"bucket": origin.bucket, "key": origin.key}
    return location if version is None else {**location, "version_id": version}


def error_fields(code: str | None, message: str) -> dict[str, object]:
    """The `error` of a failed result."""
    return {"code": code or "invalid_request", "message": message}


def indexing_event(
    store_id: str, file_id: str, origin: ObjectLocation | str, row: ObjectRow | None, file: Document
) -> ResultEvent:
    """`File Indexed`, or `File Failed` with the provider's own `last_error`."""
    detail = {"vector_store_id": store_id, "file_id": file_id, **origin_fields(origin, row.version if row else None)}
    if file.get("status") == _INDEXED:
        return ResultEvent(
            detail_type=DetailType.FILE_INDEXED, detail={**detail, "usage_bytes": file.get("usage_bytes")}
        )
    last_error = file.get("last_error")
    error = last_error if isinstance(last_error, dict) else {}
    message = str(error.get("message") or f"The provider's status of the file is {file.get('status')}.")
    code = str(error.get("code") or "failed")
    failure = error_fields(code[:MAX_ERROR_CODE], message[:MAX_ERROR_MESSAGE])
    return ResultEvent(detail_type=DetailType.FILE_FAILED, detail={**detail, "error": failure})


def failure_event(
    detail_type: DetailType, origin: Mapping[str, object], error: PermanentFailureError, **ids: object
) -> ResultEvent:
    """The result of an event that failed permanently. `ids` without a value are left out."""
    named = {name: value for name, value in ids.items() if value is not None}
    return ResultEvent(
        detail_type=detail_type, detail={**origin, **named, "error": error_fields(error.code, error.reason)}
    )
