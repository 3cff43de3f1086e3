"""`GET /admin/dead_letters`: what was set aside, because it could not be settled, ingested or exported."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.admin.dead_letter_queues import SHOWN
from vectorgate.admin.fields import iso_time
from vectorgate.admin.lists import refuse_unknown
from vectorgate.clock import MILLISECONDS

if TYPE_CHECKING:
    from vectorgate.admin.dead_letter_queues import DeadLetterQueue
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request


def listing(request: Request, deps: AdminDeps) -> dict[str, object]:
    """The queues of dead letters, with some of each and the reason; none is removed. InvalidRequest, Unavailable."""
    refuse_unknown(request.query, ())
    queues = sorted(deps.dead_letters.queues(), key=lambda queue: queue.name)
    return {"object": "list", "data": [_described(queue) for queue in queues], "has_more": False}


def _described(queue: DeadLetterQueue) -> dict[str, object]:
    letters = [
        {
            "id": letter.id,
            "set_aside_at": iso_time(letter.at_ms // MILLISECONDS) if letter.at_ms is not None else None,
            "reason": letter.reason,
        }
        for letter in queue.letters[:SHOWN]
    ]
    return {"queue": queue.name, "count": max(queue.count, len(letters)), "messages": letters}
