"""The engine's composition root: SQLite, a folder and wordllama behind the ports, HTTP before them."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.adapters.filesystem import FolderBlobs
from engine.adapters.sqlite.database import SqliteCatalogue
from engine.adapters.sqlite.index import SqliteIndex
from engine.adapters.sqlite.queue import SqliteWorkQueue
from engine.adapters.wordllama import WordLlama
from engine.engine import Engine
from engine.responses.background import fail_interrupted
from engine.web.app import build_app
from engine.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from starlette.types import ASGIApp

    from engine.ids import RandomBytes
    from engine.ports import Embedder

WORKERS: Final = 2


@dataclass(frozen=True, slots=True)
class Service:
    """An engine, its HTTP application, and the threads that do its work."""

    engine: Engine
    app: ASGIApp
    worker: Worker

    def start(self) -> None:
        """Start to work on the queue."""
        self.worker.start()

    def close(self) -> None:
        """Stop the threads and close the database. What is queued stays for the next start."""
        if self.worker.stop():
            self.engine.catalogue.close()


def build(
    home: Path,
    api_key: str,
    *,
    clock: Callable[[], float] = time.time,
    random: RandomBytes = secrets.token_bytes,
    embedder: Embedder | None = None,
    workers: int = WORKERS,
) -> Service:
    """The service over the data in `home`, which is made if absent."""
    home.mkdir(parents=True, exist_ok=True)
    catalogue = SqliteCatalogue(home / "catalogue.db")
    engine = Engine(
        catalogue=catalogue,
        blobs=FolderBlobs(home),
        index=SqliteIndex(home),
        embedder=embedder or WordLlama(),
        queue=SqliteWorkQueue(catalogue),
        clock=clock,
        random=random,
    )
    with catalogue.read() as rows:
        known = rows.blob_ids()
    engine.blobs.clear(known)
    fail_interrupted(engine)
    return Service(engine, build_app(engine, api_key), Worker(engine, workers))
