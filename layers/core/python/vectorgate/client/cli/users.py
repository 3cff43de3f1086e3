"""`vectorgate users`: people, whom keys name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from vectorgate.client.cli import fields
from vectorgate.client.cli.budgets import BUDGET, CLEARED, DETAILS
from vectorgate.client.cli.commands import command
from vectorgate.client.cli.output import Column, Kind

if TYPE_CHECKING:
    from vectorgate.client.cli.session import Session

USERS: Final = (
    Column("user", "user_id"),
    Column("alias", "user_alias"),
    Column("e-mail", "user_email"),
    Column("keys", "key_count", Kind.NUMBER),
    *(column for column in BUDGET if column.field != "blocked"),
)
ONE: Final = (*USERS, Column("teams", "teams"), *DETAILS)
DELETED: Final = (Column("user", "user_id"), Column("keys deleted", "keys", Kind.NUMBER))
user_options = fields.options(
    click.option("--alias", "user_alias", help="Their name in lists."),
    click.option("--email", "user_email", help="Their address."),
    fields.budget_options,
)


@click.group()
def users() -> None:
    """People (the `user_id` of keys), and their budgets over all their keys."""


@command("list", group=users, example="vectorgate users list --json")
@click.option("--email", "user_email")
def list_users(session: Session, /, **filters: str | None) -> None:
    """List people with budget and spend, also those whom only keys name."""
    session.show(session.counted(session.admin.users.list(**filters), "users"), USERS)


@command("create", group=users, example="vectorgate users create ada --email ada@example.com --budget 50")
@click.argument("user")
@user_options
def create(session: Session, /, user: str, **values: Any) -> None:  # noqa: ANN401 - the options above
    """Make a person, without a key: `vectorgate keys create --user` makes one."""
    session.show_one(session.admin.users.create(user, **fields.given(values)), ONE)


@command("info", group=users, example="vectorgate users info ada")
@click.argument("user")
def info(session: Session, /, user: str) -> None:
    """Show a person's budget, spend and teams."""
    session.show_one(session.admin.users.retrieve(user), ONE)


@command("update", group=users, example="vectorgate users update ada --budget 80 --clear soft_budget")
@click.argument("user")
@user_options
@fields.clear_option(*CLEARED, "user_alias", "user_email")
def update(session: Session, /, user: str, clear: tuple[str, ...], **values: Any) -> None:  # noqa: ANN401 - the options above
    """Change what is named; the rest stays."""
    session.show_one(session.admin.users.update(user, **fields.changes(values, clear)), ONE)


@command("delete", group=users, example="vectorgate users delete ada --yes")
@click.argument("user", nargs=-1, required=True)
@fields.YES
def delete(session: Session, /, user: tuple[str, ...], *, yes: bool) -> int:
    """Delete people with their keys."""
    session.confirm(f"Delete {', '.join(user)} and their keys, for good?", yes=yes)
    return session.each(user, lambda name: _deleted(session, name), DELETED)


def _deleted(session: Session, user: str) -> dict[str, object]:
    """Delete a person; the call is repeated while there are keys left."""
    deleted = 0
    while True:
        answer = session.admin.users.remove([user])
        deleted += len(answer["deleted_keys"])
        if not answer["keys_left"]:
            return {"user_id": user, "keys": deleted}
