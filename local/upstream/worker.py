"""What happens after the answer: indexing, expiry, and releasing what is gone.

The queue is the catalogue itself (an attachment ``in_progress``), so a crash loses nothing: the job is done again, and
because its chunks are replaced under the attachment's own number, doing it twice is doing it once.
"""

import logging
import threading

from local.upstream import chunk, files, stores, uploads
from local.upstream.chunk import TooManyTokens
from local.upstream.db import Row
from local.upstream.engine import Engine
from local.upstream.extract import Unextractable, extract
from local.upstream.index import Entry, size_of

log = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
SWEEP_SECONDS = 5
STOP_SECONDS = 5.0
# A job that took the process down this often is not tried again.
MAX_TRIES = 3
MAX_TOKENS = 5_000_000

NEXT = (
    "SELECT a.*, f.filename FROM attachments a JOIN files f ON f.id = a.file_id"
    " WHERE a.status = 'in_progress' ORDER BY a.seq"
)
COMPLETE = "UPDATE attachments SET status = 'completed', usage_bytes = ? WHERE seq = ? AND status = 'in_progress'"
FAIL = (
    "UPDATE attachments SET status = 'failed', error_code = ?, error_message = ?"
    " WHERE seq = ? AND status = 'in_progress'"
)
ABANDON = "INSERT INTO garbage (kind, object_id, attachment) VALUES ('chunks', ?, ?)"


class Worker:
    """Background threads over one engine."""

    def __init__(self, engine: Engine, threads: int) -> None:
        self._engine = engine
        self._threads = [threading.Thread(target=self._run, name=f"worker-{n}", daemon=True) for n in range(threads)]
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._claimed: set[int] = set()
        self._collecting = threading.Lock()
        self._swept_at = 0

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> bool:
        """Leave what is queued, finish the jobs in hand if that is soon; whether all threads have stopped.

        A job that is cut short is done again at the next start.
        """
        self._stopping.set()
        self._engine.work.set()
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        # The first job or search should not wait for the model; nobody is waiting for it yet.
        self._engine.embedder.model  # noqa: B018
        while not self._stopping.is_set():
            self._engine.work.clear()
            try:
                self._turn()
            except Exception:
                # A full disk, say: the queue is intact, and a thread that died could not come back to it.
                log.exception("%s will try again", threading.current_thread().name)
            self._engine.work.wait(IDLE_SECONDS)
        # The event wakes one waiter's siblings only if it is still set.
        self._engine.work.set()

    def _turn(self) -> None:
        self.sweep()
        while not self._stopping.is_set() and self.step():
            pass

    def step(self) -> bool:
        """Do one job, if there is one."""
        job = self._claim()
        if job is None:
            self.collect()
            return False
        try:
            self._index(job)
        finally:
            with self._lock:
                self._claimed.discard(job["seq"])
        return True

    def _claim(self) -> Row | None:
        """Take the oldest job that no other thread has, and count the try before it can go wrong."""
        with self._lock, self._engine.db.write() as db:
            waiting = db.execute(NEXT)
            job: Row | None = next((job for job in waiting if job["seq"] not in self._claimed), None)
            if job is not None:
                db.execute("UPDATE attachments SET tries = tries + 1 WHERE seq = ?", (job["seq"],))
                self._claimed.add(job["seq"])
        return job

    def _index(self, job: Row) -> None:
        if job["tries"] >= MAX_TRIES:
            self._fail(job, Unextractable("server_error", "The file could not be processed."))
            return
        try:
            self._complete(job, self._entries(job))
        except Unextractable as refusal:
            self._fail(job, refusal)
        except TooManyTokens:
            self._fail(job, Unextractable("invalid_file", f"The file has more than {MAX_TOKENS} tokens."))
        except Exception:
            # A defect must neither stop the worker nor leave the client waiting; the cause is in the log.
            log.exception("indexing %s in %s failed", job["file_id"], job["store_id"])
            self._fail(job, Unextractable("server_error", "An internal error occurred while processing the file."))

    def _entries(self, job: Row) -> list[Entry]:
        """Extract, cut, embed."""
        text = extract(self._engine.blobs.path(job["file_id"]), job["filename"])
        model = self._engine.embedder.model
        tokenised = chunk.tokens(text, model.tokenize, MAX_TOKENS)
        pieces = chunk.chunks(text, tokenised, job["max_tokens"], job["overlap_tokens"])
        return [Entry(piece.text, model.embed(piece.ids)) for piece in pieces]

    def _complete(self, job: Row, entries: list[Entry]) -> None:
        """Chunks first, then the status that makes them visible."""
        store_id, seq = job["store_id"], job["seq"]
        self._engine.indexes.open(store_id).replace(seq, entries)
        self._engine.indexes.changed(store_id)
        with self._engine.db.write() as db:
            if db.execute(COMPLETE, (size_of(entries), seq)).rowcount == 0:
                # Cancelled, detached or replaced meanwhile: the chunks are nobody's.
                db.execute(ABANDON, (store_id, seq))

    def _fail(self, job: Row, refusal: Unextractable) -> None:
        with self._engine.db.write() as db:
            db.execute(FAIL, (refusal.code, refusal.message, job["seq"]))

    def sweep(self) -> None:
        """Expire files, stores and uploads whose time has come, at most once every few seconds."""
        now = self._engine.now()
        with self._lock:
            if abs(now - self._swept_at) < SWEEP_SECONDS:
                return
            self._swept_at = now
        with self._engine.db.write() as db:
            files.expire(db, now)
            stores.expire(db, now)
            uploads.expire(db, now)

    def collect(self) -> None:
        """Release what deleted rows held, then forget them: releasing twice does no harm."""
        with self._collecting:
            with self._engine.db.read() as db:
                rows = db.execute("SELECT * FROM garbage ORDER BY seq LIMIT 1000").fetchall()
            for row in rows:
                self._release(row)
            if rows:
                with self._engine.db.write() as db:
                    db.execute("DELETE FROM garbage WHERE seq <= ?", (rows[-1]["seq"],))

    def _release(self, row: Row) -> None:
        match row["kind"]:
            case "blob":
                self._engine.blobs.discard(row["object_id"])
            case "chunks" if self._alive(row["object_id"]):
                self._engine.indexes.open(row["object_id"]).remove(row["attachment"])
                self._engine.indexes.changed(row["object_id"])
            case _:
                self._engine.indexes.open(row["object_id"]).destroy()
                self._engine.indexes.changed(row["object_id"])

    def _alive(self, store_id: str) -> bool:
        with self._engine.db.read() as db:
            return db.execute("SELECT 1 FROM stores WHERE id = ? AND NOT expired", (store_id,)).fetchone() is not None
