"""`GET /admin/dead_letters`: what was set aside, because it could not be settled, ingested or exported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from vectorgate.admin.fields import iso_time
from vectorgate.admin.lists import refuse_unknown
from vectorgate.clock import MILLISECONDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

SHOWN: Final = 10  # of each queue, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """One of them. `at_ms`: when it was set aside (Unix milliseconds), None if that is not kept, as for `reason`."""

    id: str
    at_ms: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetterQueue:
    """A queue of them: how many there are, about, and some of them."""

    name: str
    count: int
    letters: Sequence[DeadLetter] = ()


class DeadLetters(Protocol):
    """Looks at the deployment's dead letters, and leaves them where they are."""

    def queues(self) -> Sequence[DeadLetterQueue]:
        """Every queue, also an empty one. Unavailable."""
        ...


class NoDeadLetters:
    """Of a deployment without such queues."""

    def queues(self) -> Sequence[DeadLetterQueue]:
        """None."""
        return ()


def listing(request: Request, deps: AdminDeps) -> dict[str, object]:
    """The queues of dead letters, with up to SHOWN of each; none is removed. InvalidRequest, Unavailable."""
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
