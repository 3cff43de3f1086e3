"""`/admin/dead_letters`: what was set aside, because it could not be settled, ingested or exported."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field, StringConstraints

from vectorgate.admin.dead_letter_queues import DROP, RETRY, SHOWN
from vectorgate.admin.fields import iso_time, read_body
from vectorgate.admin.lists import refuse_unknown
from vectorgate.admin.trail import DELETED, UPDATED
from vectorgate.api import schemas
from vectorgate.api.schemas.fields import WireModel
from vectorgate.clock import MILLISECONDS

if TYPE_CHECKING:
    from vectorgate.admin.dead_letter_queues import DeadLetterQueue
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request


KIND: Final = "dead_letter"  # in the audit
Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class ChosenLetters(WireModel):
    """`POST /admin/dead_letters/retry` and `/drop`: some of a queue by their ids, or all of it."""

    queue: Name
    ids: Annotated[list[Name], Field(min_length=1, max_length=1_000)] | None = None


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
    count = max(queue.count, len(letters))
    return {"queue": queue.name, "count": count, "messages": letters, "actions": list(queue.actions)}


def retry(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Export dead letters of local mode once more, or the folder's files that were refused. InvalidRequest.

    Those that the destination refuses again stay, as do all if it cannot be reached. On AWS, SQS moves them back.
    """
    body = _body(request, deps, RETRY)
    done = deps.dead_letters.retry(body.queue, body.ids)
    return {"queue": body.queue, "retried": done.done, "left": done.left, "reason": done.reason}


def drop(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Give dead letters of local mode's exports up: the destination will not have them. InvalidRequest."""
    body = _body(request, deps, DROP)
    return {"queue": body.queue, "dropped": deps.dead_letters.drop(body.queue, body.ids)}


def _body(request: Request, deps: AdminDeps, action: str) -> ChosenLetters:
    """The body of a change, which leaves a record."""
    body = schemas.validate(ChosenLetters, read_body(request))
    chosen = len(body.ids) if body.ids is not None else None
    deps.announce(KIND, body.queue, UPDATED if action == RETRY else DELETED, {"action": action, "chosen": chosen})
    return body
