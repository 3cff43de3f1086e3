"""`vectorgate teams`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from vectorgate.client.cli import fields
from vectorgate.client.cli.budgets import BUDGET, CLEARED, DETAILS
from vectorgate.client.cli.commands import command
from vectorgate.client.cli.output import Column, Kind

if TYPE_CHECKING:
    from vectorgate.client.cli.session import Session

TEAMS: Final = (Column("team", "team_id"), Column("alias", "team_alias"), *BUDGET)
RULES: Final = (
    Column("expires after (days)", "default_expires_after_days", Kind.NUMBER),
    Column("at most (days)", "max_expires_after_days", Kind.NUMBER),
    Column("stores at most", "max_vector_stores", Kind.NUMBER),
    Column("GiB at most", "max_vector_store_gib", Kind.NUMBER),
)
ONE: Final = (*TEAMS, *DETAILS, *RULES)
DELETED: Final = (Column("team", "team_id"), Column("keys deleted", "keys", Kind.NUMBER))
team_options = fields.options(
    click.option("--alias", "team_alias", help="Its name in lists."),
    fields.budget_options,
    click.option("--expires-after", "default_expires_after_days", type=int, metavar="DAYS", help="Of new stores."),
    click.option("--max-expires-after", "max_expires_after_days", type=int, metavar="DAYS", help="Of any store."),
    click.option("--max-stores", "max_vector_stores", type=int, help="Stores that it may have."),
    click.option("--max-gib", "max_vector_store_gib", type=int, help="GiB that it may store."),
)


@click.group()
def teams() -> None:
    """Teams: who owns stores, and their budgets."""


@command("list", group=teams, example="vectorgate teams list --csv")
@click.option("--alias", "team_alias")
def list_teams(session: Session, /, **filters: str | None) -> None:
    """List teams with budget and spend."""
    session.show(session.counted(session.admin.teams.list(**filters), "teams"), TEAMS)


@command("create", group=teams, example="vectorgate teams create red --budget 500 --budget-duration 30d")
@click.argument("team")
@team_options
def create(session: Session, /, team: str, **values: Any) -> None:  # noqa: ANN401 - the options above
    """Make a team, with a budget or without one."""
    session.show_one(session.admin.teams.create(team, **fields.given(values)), ONE)


@command("info", group=teams, example="vectorgate teams info red")
@click.argument("team")
def info(session: Session, /, team: str) -> None:
    """Show a team's budget, spend and rules for stores."""
    session.show_one(session.admin.teams.retrieve(team), ONE)


@command("update", group=teams, example="vectorgate teams update red --budget 800 --clear soft_budget")
@click.argument("team")
@team_options
@fields.clear_option(*CLEARED, "team_alias", "max_vector_stores", "max_vector_store_gib")
def update(session: Session, /, team: str, clear: tuple[str, ...], **values: Any) -> None:  # noqa: ANN401 - the options above
    """Change what is named; the rest stays."""
    session.show_one(session.admin.teams.update(team, **fields.changes(values, clear)), ONE)


@command("block", group=teams, example="vectorgate teams block red")
@click.argument("team", nargs=-1, required=True)
def block(session: Session, /, team: tuple[str, ...]) -> int:
    """Refuse every call of these teams' keys, within 5 seconds."""
    return session.each(team, session.admin.teams.block, TEAMS)


@command("unblock", group=teams, example="vectorgate teams unblock red")
@click.argument("team", nargs=-1, required=True)
def unblock(session: Session, /, team: tuple[str, ...]) -> int:
    """Serve these teams again."""
    return session.each(team, session.admin.teams.unblock, TEAMS)


@command("delete", group=teams, example="vectorgate teams delete red --yes")
@click.argument("team", nargs=-1, required=True)
@fields.YES
def delete(session: Session, /, team: tuple[str, ...], *, yes: bool) -> int:
    """Delete teams with their keys. Stores stay, and are charged to the team, until they are transferred."""
    session.confirm(f"Delete {', '.join(team)} and their keys, for good?", yes=yes)
    return session.each(team, lambda name: _deleted(session, name), DELETED)


def _deleted(session: Session, team: str) -> dict[str, object]:
    """Delete a team; the call is repeated while it has keys left."""
    deleted = 0
    while True:
        answer = session.admin.teams.remove([team])
        deleted += len(answer["deleted_keys"])
        if not answer["keys_left"]:
            return {"team_id": team, "keys": deleted}
