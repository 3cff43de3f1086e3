"""Exports: a test record to a destination, and what was set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.client.admin.calls import AdminCalls, of
from vectorgate.client.admin.resources import DeadLetterQueue, Outcomes
from vectorgate.client.options import without_none

if TYPE_CHECKING:
    from collections.abc import Sequence


class Exports(AdminCalls):
    """Destinations of exports, by their names, and dead letters, by their queues."""

    def test(self, service: str) -> str:
        """Deliver a test record; what the gateway says of it. ServiceUnavailableError where it did not arrive."""
        return str(self.get("/health/services", {"service": service})["message"])

    def dead_letters(self) -> Sequence[DeadLetterQueue]:
        """Every queue with some of its dead letters."""
        return [of(DeadLetterQueue, each) for each in self.get("/admin/dead_letters")["data"]]

    def retry(self, queue: str, ids: Sequence[str] | None = None) -> Outcomes:
        """Handle dead letters again, of local mode."""
        body = without_none(queue=queue, ids=[*ids] if ids is not None else None)
        return of(Outcomes, self.post("/admin/dead_letters/retry", body))

    def drop(self, queue: str, ids: Sequence[str] | None = None) -> Outcomes:
        """Give dead letters up, of local mode's exports."""
        body = without_none(queue=queue, ids=[*ids] if ids is not None else None)
        return of(Outcomes, self.post("/admin/dead_letters/drop", body))
