"""`vectorgate spend` and `vectorgate usage`: what was spent and used, from the daily sums of settled records."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from vectorgate.client.cli import fields
from vectorgate.client.cli.commands import command
from vectorgate.client.cli.key_names import token_of
from vectorgate.client.cli.moments import MOMENT, whole_days
from vectorgate.client.cli.output import Column, Kind
from vectorgate.client.cli.output.columns import dollars
from vectorgate.client.cli.report_sums import GROUPS, NANO, Sums, day_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from vectorgate.client.cli.session import Session

F = TypeVar("F", bound="Callable[..., Any]")

SPEND: Final = Column("spend", "spend", Kind.USD)
DAY: Final = Column("day", "day")
TITLES: Final = {
    "team": Column("team", "team"),
    "user": Column("user", "user"),
    "key": Column("key", "key"),
    "line": Column("line item", "line"),
    "store": Column("store", "store", Kind.LONG),
    "model": Column("model", "model"),
}
period = fields.options(
    click.option("--since", type=MOMENT, default="30d", show_default=True, help="2026-11-01, or an age such as 90d."),
    click.option("--until", type=MOMENT, help="The last day, 2026-11-30. Default: today."),
    click.option("--daily", is_flag=True, help="A row for each day (UTC)."),
    click.option("--team", "project_ids", help="Of this team alone."),
)
of_key = fields.options(
    click.option("--user", "user_ids", help="Of this person's keys alone."),
    click.option("--key-of", "api_key_ids", metavar="KEY", help="Of this key alone: an alias or a token."),
)


def by(*groups: str) -> Callable[[F], F]:
    """`--by`: what the sums are grouped by."""
    return click.option("--by", "groups", multiple=True, type=click.Choice(groups), help="May be repeated.")


@command("spend", example="vectorgate spend --since 2026-11-01 --until 2026-11-30 --by team --by line")
@by("team", "user", "key", "line")
@period
@of_key
def spend(session: Session, /, *, groups: tuple[str, ...], daily: bool, **given: str | None) -> None:
    """Show what was spent, to the nano-dollar; by default for each line item."""
    chosen = groups or ("line",)
    start, end, filters = _asked(session, given)
    buckets = session.admin.reports.costs(start, end, _fields(chosen), **filters)
    rows = _named(session, Sums(chosen, daily, ("spend_nano_usd",)).rows(session.counted(buckets, "days")))
    shown = [{**row, "spend": row["spend_nano_usd"] / NANO} for row in rows]
    shown.sort(key=lambda row: (row.get("day") or "", -row["spend_nano_usd"]))
    session.show(shown, [*_titles(chosen, daily=daily), SPEND])
    total = Decimal(sum(row["spend_nano_usd"] for row in rows)) / NANO
    session.say(f"{dollars(total)} from {day_text(start)} to {day_text(end - 1)} (UTC)")


@click.group()
def usage() -> None:
    """What was stored, searched and read, by UTC day."""


@command("storage", group=usage, example="vectorgate usage storage --since 7d --by team --daily")
@by("team")
@period
def storage(session: Session, /, *, groups: tuple[str, ...], daily: bool, **given: str | None) -> None:
    """Show the bytes that stores held on average."""
    start, end, filters = _asked(session, given)
    buckets = [*session.counted(session.admin.reports.storage(start, end, _fields(groups), **filters), "days")]
    rows = Sums(groups, daily, ("usage_bytes",)).rows(buckets)
    days = 1 if daily else max(1, len(buckets))
    shown = [{**row, "usage_bytes": row["usage_bytes"] // days} for row in rows]
    session.show(shown, [*_titles(groups, daily=daily), Column("bytes on average", "usage_bytes", Kind.SIZE)])


@command("searches", group=usage, example="vectorgate usage searches --by store")
@by("team", "user", "key", "store")
@period
@of_key
@click.option("--store", "vector_store_ids", metavar="ID", help="Of this store alone.")
def searches(session: Session, /, *, groups: tuple[str, ...], daily: bool, **given: str | None) -> None:
    """Show the searches of vector stores, by themselves and in responses."""
    start, end, filters = _asked(session, given)
    buckets = session.admin.reports.searches(start, end, _fields(groups), **filters)
    rows = _named(session, Sums(groups, daily, ("num_requests",)).rows(session.counted(buckets, "days")))
    session.show(rows, [*_titles(groups, daily=daily), Column("searches", "num_requests", Kind.NUMBER)])


@command("tokens", group=usage, example="vectorgate usage tokens --by model --since 90d")
@by("team", "user", "key", "model")
@period
@of_key
def tokens(session: Session, /, *, groups: tuple[str, ...], daily: bool, **given: str | None) -> None:
    """Show the tokens of responses."""
    start, end, filters = _asked(session, given)
    buckets = session.admin.reports.tokens(start, end, _fields(groups), **filters)
    measures = ("num_model_requests", "input_tokens", "input_cached_tokens", "output_tokens")
    rows = _named(session, Sums(groups, daily, measures).rows(session.counted(buckets, "days")))
    titles = ("responses", "input", "of it cached", "output")
    columns = [Column(title, name, Kind.NUMBER) for title, name in zip(titles, measures, strict=True)]
    session.show(rows, [*_titles(groups, daily=daily), *columns])


def _asked(session: Session, given: dict[str, str | None]) -> tuple[int, int, dict[str, str | None]]:
    """The period in Unix seconds, and the filters, of which a key is named by its token."""
    start, end = whole_days(given.pop("since"), given.pop("until"), session.environment.wall())
    if given.get("api_key_ids") is not None:
        given["api_key_ids"] = token_of(session.admin, str(given["api_key_ids"]))
    return start, end, given


def _fields(groups: Sequence[str]) -> list[str]:
    return [GROUPS[group] for group in groups]


def _named(session: Session, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, in which an alias stands for a key that has one."""
    if not any("key" in row for row in rows):
        return rows
    aliases = {key.token: key.key_alias for key in session.admin.keys.list()}
    return [{**row, "api_key": row["key"], "key": aliases.get(row["key"]) or row["key"]} for row in rows]


def _titles(groups: Sequence[str], *, daily: bool) -> list[Column]:
    return [*([DAY] if daily else []), *(TITLES[group] for group in groups)]
