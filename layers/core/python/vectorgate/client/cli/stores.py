"""`vectorgate stores`: the vector stores of all teams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from vectorgate.client.cli import adoption, fields
from vectorgate.client.cli.commands import command
from vectorgate.client.cli.exits import FAILED
from vectorgate.client.cli.output import Column, Format, Kind
from vectorgate.client.cli.pages import pages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.client.cli.output.columns import Row
    from vectorgate.client.cli.session import Session

STORES: Final = (
    Column("store", "id", Kind.ID),
    Column("name", "name"),
    Column("team", "team_id"),
    Column("size", "bytes", Kind.SIZE),
    Column("cost a day", "cost_per_day", Kind.USD),
    Column("idle days", "idle_days", Kind.NUMBER),
    Column("last active", "last_active_at", Kind.TIME),
)
ONE: Final = (
    *STORES,
    Column("created", "created_at", Kind.TIME),
    Column("key", "api_key", Kind.LONG),
    Column("end user", "end_user"),
    Column("status", "status"),
    Column("files", "file_counts"),
    Column("expires", "expires_at", Kind.TIME),
)
JUDGED: Final = (*STORES, Column("outcome", "outcome"), Column("error", "error"))
SHARES: Final = (
    Column("store", "vector_store_id", Kind.ID),
    Column("team", "team_id"),
    Column("permission", "permission"),
    Column("since", "since", Kind.TIME),
)
store_filters = fields.options(
    click.option("--team", "team_id"),
    click.option("--min-bytes", type=click.IntRange(0), help="Stores of this size or larger."),
    fields.PROVIDER,
)


@click.group()
def stores() -> None:
    """Vector stores of all teams."""


@command("list", group=stores, example="vectorgate stores list --team red --csv")
@store_filters
@click.option("--idle-days", type=click.IntRange(0), help="Not used for so many days.")
def list_stores(session: Session, /, **filters: str | int | None) -> None:
    """List stores with size, owner and cost a day, as the meter last saw them."""
    session.show(session.counted(session.admin.stores.list(**filters), "stores"), STORES)


@command("info", group=stores, example="vectorgate stores info vs_abc123")
@click.argument("store")
@fields.PROVIDER
def info(session: Session, /, store: str, provider: str | None) -> None:
    """Show a store, its files by status and its cost."""
    session.show_one(session.admin.stores.retrieve(store, provider=provider), ONE)


@command("idle", group=stores, example="vectorgate stores idle --days 30 --delete")
@store_filters
@click.option("--days", type=click.IntRange(1), default=30, show_default=True, help="Not used for so many days.")
@click.option("--delete", is_flag=True, help="Delete them, for their owners. What is used meanwhile stays.")
@fields.YES
def idle(session: Session, /, *, days: int, delete: bool, yes: bool, **filters: str | int | None) -> int:
    """Show stores that cost and are not used, or delete them."""
    found = [*_cleaned(session, days, filters, dry_run=True)]
    if not delete or not found:
        session.show(found, JUDGED[:-2])
        return 0
    if session.format is Format.TABLE:
        session.show(found, JUDGED[:-2])
    session.confirm(f"Delete these {len(found)} stores and what is in them, for good?", yes=yes)
    deleted = [*_cleaned(session, days, filters, dry_run=False)]
    session.show(deleted, JUDGED)
    return FAILED if any(each["outcome"] == "failed" for each in deleted) else 0


def _cleaned(session: Session, days: int, filters: dict[str, str | int | None], *, dry_run: bool) -> Iterator[Row]:
    """The idle stores, and what became of each."""
    for page in pages(lambda cursor: session.admin.stores.clean_up(days, dry_run=dry_run, cursor=cursor, **filters)):
        yield from page.data


@command("delete", group=stores, example="vectorgate stores delete vs_abc123 --yes")
@click.argument("store", nargs=-1, required=True)
@fields.PROVIDER
@fields.YES
def delete(session: Session, /, store: tuple[str, ...], provider: str | None, *, yes: bool) -> int:
    """Delete stores at the provider, for their owners."""
    session.confirm(f"Delete {', '.join(store)} and what is in it, for good?", yes=yes)

    def remove(name: str) -> Row:
        return session.admin.stores.remove(name, provider=provider)

    return session.each(store, remove, (Column("store", "id", Kind.ID), Column("deleted", "deleted", Kind.FLAG)))


@command("share", group=stores, example="vectorgate stores share vs_abc123 --team blue --permission read")
@click.argument("store")
@click.option("--team", "team_id", required=True, help="Which other team may use it.")
@click.option("--permission", type=click.Choice(["read", "write", "none"]), default="read", show_default=True)
@fields.PROVIDER
def share(session: Session, /, store: str, team_id: str, permission: str, provider: str | None) -> None:
    """Share a store with another team, or end that (--permission none). The owner pays for storage."""
    session.show_one(session.admin.stores.share(store, team_id, permission, provider=provider), SHARES)


@command("shares", group=stores, example="vectorgate stores shares vs_abc123")
@click.argument("store")
@fields.PROVIDER
def shares(session: Session, /, store: str, provider: str | None) -> None:
    """List the teams that a store is shared with."""
    session.show(session.admin.stores.shares(store, provider=provider), SHARES)


@command("transfer", group=stores, example="vectorgate stores transfer vs_abc123 --team blue --file file-abc")
@click.argument("store")
@click.option("--team", "team_id", required=True, help="Who owns it, and pays for storage, from now on.")
@click.option("--file", "file_ids", multiple=True, metavar="ID", help="A file that moves with it; may be repeated.")
@fields.PROVIDER
@fields.YES
def transfer(
    session: Session, /, store: str, team_id: str, file_ids: tuple[str, ...], provider: str | None, *, yes: bool
) -> None:
    """Give a store to another team."""
    session.confirm(f"Give {store} to {team_id}, with {len(file_ids)} files?", yes=yes)
    given = session.admin.stores.transfer(store, team_id, file_ids=[*file_ids] or None, provider=provider)
    session.show_one(given, (Column("store", "vector_store_id", Kind.ID), Column("team", "team_id")))


stores.add_command(adoption.unowned)
stores.add_command(adoption.adopt)
