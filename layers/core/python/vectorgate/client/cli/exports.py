"""`vectorgate exports`: a test of each destination, and what was set aside."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from vectorgate.client.cli import fields
from vectorgate.client.cli.commands import command
from vectorgate.client.cli.output import Column, Kind

if TYPE_CHECKING:
    from vectorgate.client.cli.session import Session

TESTED: Final = (Column("destination", "service"), Column("result", "message"))
LETTERS: Final = (
    Column("queue", "queue"),
    Column("in the queue", "count", Kind.NUMBER),
    Column("since", "set_aside_at", Kind.TIME),
    Column("id", "id"),
    Column("reason", "reason"),
)
RETRIED: Final = (
    Column("queue", "queue"),
    Column("handled", "retried", Kind.NUMBER),
    Column("left", "left", Kind.NUMBER),
    Column("reason", "reason"),
)
DROPPED: Final = (Column("queue", "queue"), Column("dropped", "dropped", Kind.NUMBER))


@click.group()
def exports() -> None:
    """Destinations of settled records, and dead letters."""


@command("test", group=exports, example="vectorgate exports test webhook otel")
@click.argument("service", nargs=-1, required=True)
def test(session: Session, /, service: tuple[str, ...]) -> int:
    """Deliver a test record to each of these destinations."""
    return session.each(service, lambda name: {"service": name, "message": session.admin.exports.test(name)}, TESTED)


@command("dead-letters", group=exports, example="vectorgate exports dead-letters --json")
def dead_letters(session: Session, /) -> None:
    """List what could not be settled, ingested or exported, with the reason."""
    queues = session.admin.exports.dead_letters()
    found = [queue for queue in queues if queue.count]
    session.show(
        [
            {"queue": queue.queue, "count": queue.count, **letter}
            for queue in found
            for letter in queue.messages or [{}]
        ],
        LETTERS,
    )


@command("retry", group=exports, example="vectorgate exports retry 'export webhook'")
@click.argument("queue")
@click.argument("ids", metavar="[ID]...", nargs=-1)
def retry(session: Session, /, queue: str, ids: tuple[str, ...]) -> int:
    """Handle dead letters of local mode again: all of the queue, or those that are named. On AWS, SQS does."""
    done = session.admin.exports.retry(queue, ids or None)
    session.show_one(done, RETRIED)
    return 1 if done["left"] else 0


@command("drop", group=exports, example="vectorgate exports drop 'export webhook' --yes")
@click.argument("queue")
@click.argument("ids", metavar="[ID]...", nargs=-1)
@fields.YES
def drop(session: Session, /, queue: str, ids: tuple[str, ...], *, yes: bool) -> None:
    """Give dead letters of local mode's exports up: all of the queue, or those that are named."""
    what = f"{len(ids)} dead letters" if ids else "all dead letters"
    session.confirm(f"Drop {what} of '{queue}', for good?", yes=yes)
    session.show_one(session.admin.exports.drop(queue, ids or None), DROPPED)
