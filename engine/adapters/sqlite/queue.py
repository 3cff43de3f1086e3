"""`WorkQueue` on SQLite: the jobs are the attachments in progress; which of them are taken is known in memory alone."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from engine.adapters.sqlite.attachments import to_sizes
from engine.model import Job

if TYPE_CHECKING:
    from engine.adapters.sqlite.connections import Connection, Row
    from engine.adapters.sqlite.database import SqliteCatalogue
    from engine.model import Failure

_NEXT = (
    "SELECT a.*, f.filename FROM attachments a JOIN files f ON f.id = a.file_id"
    " WHERE a.status = 'in_progress' ORDER BY a.seq"
)
_COUNT_TRY = "UPDATE attachments SET tries = tries + 1 WHERE seq = ?"
COMPLETE = "UPDATE attachments SET status = 'completed', usage_bytes = ? WHERE seq = ? AND status = 'in_progress'"
FAIL = (
    "UPDATE attachments SET status = 'failed', error_code = ?, error_message = ?"
    " WHERE seq = ? AND status = 'in_progress'"
)
_ABANDON = "INSERT INTO garbage (kind, object_id, attachment) VALUES ('chunks', ?, ?)"


class SqliteWorkQueue:
    """The jobs of one process: a folder has one."""

    def __init__(self, catalogue: SqliteCatalogue) -> None:
        self._catalogue = catalogue
        self._work = threading.Event()
        self._lock = threading.Lock()
        self._claimed: set[int] = set()

    def claim(self) -> Job | None:
        """Take the oldest job that no other worker has, and count the try before it can fail."""
        with self._lock, self._catalogue.write() as rows:
            job = self._oldest(rows.connection)
            if job is not None:
                rows.connection.execute(_COUNT_TRY, (job.attachment,))
                self._claimed.add(job.attachment)
        return job

    def complete(self, job: Job, usage_bytes: int) -> None:
        """Make the job's chunks visible; if it was cancelled or replaced meanwhile, leave them as garbage."""
        with self._catalogue.write() as rows:
            if rows.connection.execute(COMPLETE, (usage_bytes, job.attachment)).rowcount == 0:
                rows.connection.execute(_ABANDON, (job.store_id, job.attachment))

    def fail(self, job: Job, failure: Failure) -> None:
        """Give the job up; nothing changes if it was cancelled or replaced meanwhile."""
        with self._catalogue.write() as rows:
            rows.connection.execute(FAIL, (failure.code, failure.message, job.attachment))

    def release(self, job: Job) -> None:
        """Let other workers claim the job, if it is still to be done."""
        with self._lock:
            self._claimed.discard(job.attachment)

    def notify(self) -> None:
        """Wake the workers."""
        self._work.set()

    def wait(self, seconds: float) -> None:
        """Sleep until there is work, or for that long. What was notified before it is not lost."""
        self._work.wait(seconds)
        self._work.clear()

    def _oldest(self, db: Connection) -> Job | None:
        waiting = db.execute(_NEXT)
        return next((_job(row) for row in waiting if row["seq"] not in self._claimed), None)


def _job(row: Row) -> Job:
    return Job(
        attachment=row["seq"],
        store_id=row["store_id"],
        file_id=row["file_id"],
        filename=row["filename"],
        sizes=to_sizes(row),
        tries=row["tries"],
    )
