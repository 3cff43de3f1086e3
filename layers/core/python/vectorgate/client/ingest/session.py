"""What the steps of a run share: client, journal, counts, and whether a failure concerns one file or all."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar

import anyio

from vectorgate.client.errors import APIError, NotFoundError
from vectorgate.client.ingest.processing import Processing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from vectorgate.client.client import Client
    from vectorgate.client.ingest.journal import Journal
    from vectorgate.client.ingest.progress import Progress
    from vectorgate.client.ingest.watch import Watch

RETRIES: Final = 5
Item = TypeVar("Item")


@dataclass
class Summary:
    """The counts of a run. `failed`: path and reason."""

    uploaded: int = 0
    uploaded_bytes: int = 0
    attached: int = 0
    replaced: int = 0
    described: int = 0
    deleted: int = 0
    unchanged: int = 0
    failed: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Session:
    """A run over one store. `concurrency`: calls at a time."""

    client: Client
    watch: Watch
    journal: Journal
    progress: Progress
    summary: Summary
    concurrency: int
    asked: Processing = field(default_factory=Processing)

    @property
    def store_id(self) -> str:
        """The store."""
        return self.watch.store_id

    async def each(
        self, items: Sequence[Item], path_of: Callable[[Item], str], act: Callable[[Item], Awaitable[None]]
    ) -> None:
        """Do something for each item, several at a time. A failure is that item's. Stopped."""
        waiting = list(reversed(items))

        async def work() -> None:
            while waiting:
                item = waiting.pop()
                await self.attempt([path_of(item)], partial(act, item))

        async with anyio.create_task_group() as workers:
            for _ in range(min(self.concurrency, len(waiting))):
                workers.start_soon(work)

    async def attempt(self, paths: Sequence[str], act: Callable[[], Awaitable[None]]) -> None:
        """Do something for these files, and record its failure. Stopped when no other call would succeed either."""
        try:
            await act()
            self.watch.success()
        except (APIError, OSError, TimeoutError) as error:
            if isinstance(error, APIError):
                await self.watch.check(error)
            for path in paths:
                self.fail(path, reason_of(error))

    def fail(self, path: str, reason: str) -> None:
        """Record a file as failed."""
        self.summary.failed.append((path, reason))
        self.progress.conclude(failed=True)

    async def remove(self, file_id: str) -> None:
        """Detach and delete an upload."""
        # Not found: it was never attached, or an interrupted run has taken this step.
        with suppress(NotFoundError):
            await self.client.vector_stores.files.adelete(file_id, vector_store_id=self.store_id, max_retries=RETRIES)
        with suppress(NotFoundError):
            await self.client.files.adelete(file_id, max_retries=RETRIES)


def reason_of(error: Exception) -> str:
    """The error's reason in one line."""
    if isinstance(error, APIError) and isinstance(error.body, dict):
        return str(error.body.get("message") or error)
    return str(error) or type(error).__name__
