"""`vectorgate logs`: the records of calls, storage and corrections, once or as they come."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

import click

from vectorgate.client.cli import fields
from vectorgate.client.cli.commands import command
from vectorgate.client.cli.following import Follower
from vectorgate.client.cli.key_names import token_of
from vectorgate.client.cli.moments import MOMENT, since
from vectorgate.client.cli.output import Column, Kind
from vectorgate.client.cli.output.lines import Lines
from vectorgate.client.cli.pages import MOST_A_PAGE

if TYPE_CHECKING:
    from vectorgate.client.cli.session import Session

LOGS: Final = (
    Column("time (UTC)", "startTime", Kind.TIME),
    Column("call", "call_type"),
    Column("status", "status"),
    Column("code", "status_code", Kind.NUMBER),
    Column("team", "team_id"),
    Column("key", "key_alias"),
    Column("end user", "end_user"),
    Column("store", "vector_store_id", Kind.LONG),
    Column("spend", "spend", Kind.USD),
    Column("provider (ms)", "upstream_ms", Kind.NUMBER),
    Column("request", "request_id", Kind.LONG),
)
log_filters = fields.options(
    click.option("--team", "team_id"),
    click.option("--key-of", "api_key", metavar="KEY", help="Of this key: an alias or a token."),
    click.option("--end-user"),
    click.option("--store", "vector_store_id", metavar="ID"),
    click.option("--call", "call_type", help="Such as vector_stores.search, or storage."),
    click.option("--status", type=click.Choice(["success", "failure", "pending", "uncertain"])),
)


@command("logs", example="vectorgate logs --team red --status failure --since 2h")
@log_filters
@click.option("--request", "request_id", metavar="ID", help="One record, by the x-litellm-call-id of an answer.")
@click.option("--since", "start_date", type=MOMENT, help="2026-11-22, a time in UTC, or an age such as 2h.")
@click.option("--until", "end_date", type=MOMENT, help="The same; a day is included.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Records at most.")
@click.option(
    "--follow",
    "-f",
    is_flag=True,
    help="Go on with new records until Ctrl-C, each when its call has ended; begins a minute ago.",
)
@click.option("--interval", type=click.FloatRange(0.5), default=2.0, show_default=True, help="Seconds between looks.")
def logs(session: Session, /, *, follow: bool, interval: float, limit: int, **filters: str | None) -> None:
    """Show records, the newest day first, or follow them."""
    if filters["api_key"] is not None:
        filters["api_key"] = token_of(session.admin, filters["api_key"])
    if follow:
        _follow(session, interval, filters)
        return
    now = session.environment.wall()
    dates = {name: since(filters.pop(name), now) for name in ("start_date", "end_date")}
    found = session.admin.records.spend(**filters, **dates, limit=min(limit, MOST_A_PAGE))
    session.show(session.counted(islice(found, limit), "records"), LOGS)


def _follow(session: Session, interval: float, filters: dict[str, str | None]) -> None:
    """Write records as they come, in the order in which they began, until the user ends it."""
    if filters.pop("end_date") or filters.pop("request_id"):
        raise click.UsageError("--follow takes neither --until nor --request.")
    lines = Lines(LOGS, session.format, session.environment.out)
    now = session.environment.wall
    follower = Follower(session.admin.records, filters, since(filters.pop("start_date"), now()), now)
    while True:
        for record in follower.new():
            lines.write(record)
        session.environment.out.flush()
        session.environment.sleep(interval)
