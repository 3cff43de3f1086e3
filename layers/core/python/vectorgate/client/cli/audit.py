"""`vectorgate audit`: who changed what."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from vectorgate.client.cli.commands import command
from vectorgate.client.cli.moments import MOMENT, since
from vectorgate.client.cli.output import Column, Kind
from vectorgate.client.cli.pages import MOST_A_PAGE

if TYPE_CHECKING:
    from vectorgate.client.cli.session import Session

AUDIT: Final = (
    Column("time (UTC)", "updated_at", Kind.TIME),
    Column("by", "changed_by"),
    Column("action", "action"),
    Column("of", "table_name"),
    Column("object", "object_id", Kind.LONG),
    Column("before", "before_value", Kind.LONG),
    Column("after", "updated_values", Kind.LONG),
)
KINDS: Final = ("key", "team", "customer", "user", "index", "vector_store", "file", "spend", "dead_letter")


@command("audit", example="vectorgate audit --of key --since 7d --json")
@click.option("--by", "changed_by", help="The alias of an administrator's key, or master_key.")
@click.option("--action", help="Such as created, updated, deleted.")
@click.option("--of", "table_name", type=click.Choice(KINDS), help="What was changed.")
@click.option("--object", "object_id", help="Its id.")
@click.option(
    "--since", "start_date", type=MOMENT, help="2026-11-22, a time in UTC, or an age such as 7d. Default: 30d."
)
@click.option("--until", "end_date", type=MOMENT, help="The same; a day is included.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Changes at most.")
def audit(session: Session, /, *, limit: int, **filters: str | None) -> None:
    """Show administrators' changes, newest first."""
    now = session.environment.wall()
    dates = {name: since(filters.pop(name), now) for name in ("start_date", "end_date")}
    found = session.admin.records.audit(**filters, **dates, limit=min(limit, MOST_A_PAGE))
    session.show(session.counted(islice(found, limit), "changes"), AUDIT)
