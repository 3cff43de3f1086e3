"""`vectorgate reconcile`: the provider's bill beside the gateway's records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from vectorgate.client.cli.commands import command
from vectorgate.client.cli.exits import FAILED
from vectorgate.client.cli.moments import MOMENT, day_of
from vectorgate.client.cli.output import Column, Format, Kind

if TYPE_CHECKING:
    from vectorgate.client.cli.session import Session

DAYS: Final = (
    Column("day", "date"),
    Column("status", "status"),
    Column("captured", "captured_share", Kind.NUMBER),
    Column("bytes: theirs", "bytes.provider", Kind.SIZE),
    Column("ours", "bytes.ours", Kind.SIZE),
    Column("searches: theirs", "file_search_calls.provider", Kind.NUMBER),
    Column("ours", "file_search_calls.ours", Kind.NUMBER),
    Column("dollars: theirs", "spend.provider", Kind.USD),
    Column("ours", "spend.ours", Kind.USD),
)
STORES: Final = (
    Column("store that differs", "vector_store_id", Kind.ID),
    Column("searches: theirs", "file_search_calls.provider", Kind.NUMBER),
    Column("ours", "file_search_calls.ours", Kind.NUMBER),
    Column("has an owner", "has_owner", Kind.FLAG),
)


@command("reconcile", example="vectorgate reconcile --since 2026-11-01 --until 2026-11-30")
@click.option(
    "--since", type=MOMENT, help="The first day, or an age such as 7d. Default: the seven days that ended last."
)
@click.option("--until", type=MOMENT, help="The last day. Default: yesterday.")
def reconcile(session: Session, /, since: str | None, until: str | None) -> int:
    """Compare the provider's bill with the records, by UTC day.

    The exit status is 1 where less than 99.9 % was recorded. It needs OpenAI's admin key (docs/billing.md).
    """
    now = session.environment.wall()
    found = session.admin.reports.reconciled(day_of(since, now), day_of(until, now))
    if session.format is Format.JSON:
        session.show_one(found, ())
    else:
        session.show(found.days, DAYS)
        if session.format is Format.TABLE and found.vector_stores:
            session.show(found.vector_stores, STORES)
    session.say(f"captured: {found.captured_share:.4%} of {found.compared_days} days; expected {found.threshold:.1%}")
    return 0 if found.is_captured else FAILED
