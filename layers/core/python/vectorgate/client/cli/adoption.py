"""`vectorgate stores unowned` and `adopt`: what the provider has and no team owns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

import click

from vectorgate.client.cli import fields
from vectorgate.client.cli.commands import command
from vectorgate.client.cli.output import Column, Format, Kind
from vectorgate.client.cli.pages import pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.client.cli.output.columns import Row
    from vectorgate.client.cli.session import Session

UNOWNED: Final = (
    Column("id", "id", Kind.ID),
    Column("name", "name"),
    Column("size", "bytes", Kind.SIZE),
    Column("created", "created_at", Kind.TIME),
    Column("outcome", "outcome"),
)
KIND = click.option(
    "--object", "object_", type=click.Choice(["vector_store", "file"]), default="vector_store", show_default=True
)


@command("unowned", example="vectorgate stores unowned --name 'docs-*'")
@KIND
@click.option("--name", "name_pattern", metavar="PATTERN", help="With * and ?.")
@fields.PROVIDER
def unowned(session: Session, /, object_: str, **filters: str | None) -> None:
    """List the provider's stores (or files) that no team owns: to clients they are 404."""
    session.show(session.counted(session.admin.stores.unowned(object=object_, **filters), "objects"), UNOWNED)


@command("adopt", example="vectorgate stores adopt --team search --name 'docs-*'")
@click.option("--team", "team_id", required=True, help="Who owns them, and pays for storage, from now on.")
@click.option("--id", "ids", multiple=True, help="A store's or file's id; may be repeated.")
@click.option("--name", "name_pattern", metavar="PATTERN", help="With * and ?.")
@click.option("--all", "every", is_flag=True, help="All that no team owns.")
@KIND
@click.option("--end-user", help="To whom storage is charged, too.")
@fields.PROVIDER
@click.option("--dry-run", is_flag=True, help="Show what would be adopted, and change nothing.")
@fields.YES
def adopt(session: Session, /, *, object_: str, every: bool, dry_run: bool, yes: bool, **which: Any) -> None:  # noqa: ANN401 - the options above
    """Give stores or files that no team owns to a team. It shows them, and asks, before it does."""
    if sum([every, bool(which["ids"]), which["name_pattern"] is not None]) != 1:
        raise click.UsageError("Name the objects by --id, --name or --all: one of them.")
    chosen = fields.given({**which, "object": object_, "all": every})
    found = [*_adopted(session, chosen, dry_run=True)]
    adoptable = sum(each["outcome"] == "adoptable" for each in found)
    if dry_run or not adoptable:
        session.show(found, UNOWNED)
        return
    if session.format is Format.TABLE:
        session.show(found, UNOWNED)
    session.confirm(f"Give {adoptable} objects to {which['team_id']}?", yes=yes)
    done = [*session.counted(_adopted(session, chosen, dry_run=False), "objects")]
    session.show(done, UNOWNED)
    counts = Counter(each["outcome"] for each in done)
    session.say(", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())))


def _adopted(session: Session, chosen: dict[str, Any], *, dry_run: bool) -> Iterator[Row]:
    """The objects that every call has found, and what became of each."""
    for page in pages(lambda cursor: session.admin.stores.adopt(**chosen, cursor=cursor, dry_run=dry_run)):
        yield from page.data
