"""What happens after the answer: responses in the background, indexing, expiry, the release of what deleted rows held.

A job is done again after a crash. Its chunks are replaced under the attachment's own number, so that doing it twice
is doing it once.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Final

from engine import cleanup, embedding
from engine.chunking import TooManyTokens
from engine.extraction.extract import Unextractable, extract
from engine.model import Entry, Failure
from engine.responses import background

if TYPE_CHECKING:
    from engine.engine import Engine
    from engine.model import Job

log = logging.getLogger(__name__)

IDLE_SECONDS = 1.0
SWEEP_SECONDS: Final = 5
STOP_SECONDS: Final = 5.0
MAX_TRIES: Final = 3  # a job that took the process down this often is not tried again
MAX_TOKENS = 5_000_000


class Worker:
    """Background threads over one engine."""

    def __init__(self, engine: Engine, threads: int) -> None:
        self._engine = engine
        self._threads = [threading.Thread(target=self._run, name=f"worker-{n}", daemon=True) for n in range(threads)]
        self._stopping = threading.Event()
        self._sweeping = threading.Lock()
        self._collecting = threading.Lock()
        self._swept_at = 0

    def start(self) -> None:
        """Start the threads."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> bool:
        """Leave what is queued, finish the current jobs if that takes seconds; whether all threads have stopped.

        A job that is cut short is done again at the next start.
        """
        self._stopping.set()
        self._engine.queue.notify()
        for thread in self._threads:
            thread.join(STOP_SECONDS)
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        self._engine.embedder.load()  # at the start, when no job and no search waits for it
        while not self._stopping.is_set():
            try:
                self._turn()
            except Exception:
                # A full disk, for example: the queue is intact, and a thread that ended could not return to it.
                log.exception("%s will try again", threading.current_thread().name)
            self._engine.queue.wait(IDLE_SECONDS)
        self._engine.queue.notify()  # waiting consumed the notification; the other threads need one to end

    def _turn(self) -> None:
        self.sweep()
        while not self._stopping.is_set() and self.step():
            pass

    def step(self) -> bool:
        """Do one job, or release garbage if there is none; whether there was a job."""
        # First what is quick, and waited for.
        if background.step(self._engine):
            return True
        job = self._engine.queue.claim()
        if job is None:
            self.collect()
            return False
        try:
            self._index(job)
        finally:
            self._engine.queue.release(job)
        return True

    def _index(self, job: Job) -> None:
        if job.tries >= MAX_TRIES:
            self._fail(job, Failure("server_error", "The file could not be processed."))
            return
        try:
            self._complete(job, self._entries(job))
        except Unextractable as refusal:
            self._fail(job, Failure(refusal.code, refusal.message))
        except TooManyTokens:
            self._fail(job, Failure("invalid_file", f"The file has more than {MAX_TOKENS} tokens."))
        except Exception:
            # A defect must neither stop the worker nor leave the client waiting; the cause is in the log.
            log.exception("indexing %s in %s failed", job.file_id, job.store_id)
            self._fail(job, Failure("server_error", "An internal error occurred while processing the file."))

    def _entries(self, job: Job) -> list[Entry]:
        """Extract, cut, embed."""
        with self._engine.blobs.local_file(job.file_id) as path:
            text = extract(path, job.filename)
        return embedding.entries(self._engine.embedder, text, job.sizes, MAX_TOKENS)

    def _complete(self, job: Job, entries: list[Entry]) -> None:
        """Chunks first, then the status that makes them visible."""
        self._engine.index.replace(job.store_id, job.attachment, entries)
        self._engine.queue.complete(job, usage_bytes(entries))

    def _fail(self, job: Job, failure: Failure) -> None:
        self._engine.queue.fail(job, failure)

    def sweep(self) -> None:
        """Expire files, stores, uploads and responses, at most once every few seconds."""
        now = self._engine.now()
        with self._sweeping:
            if abs(now - self._swept_at) < SWEEP_SECONDS:
                return
            self._swept_at = now
        cleanup.expire(self._engine, now)

    def collect(self) -> None:
        """Release what deleted rows held; one thread at a time."""
        with self._collecting:
            cleanup.collect(self._engine)


def usage_bytes(entries: list[Entry]) -> int:
    """The UTF-8 length of every chunk's text (overlaps count, for they are stored) plus its embedding."""
    return sum(len(entry.text.encode()) + entry.embedding.nbytes for entry in entries)
