"""`vectorgate customers`: end users, by the name that callers send in `user`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from vectorgate.client.cli import fields
from vectorgate.client.cli.budgets import BUDGET, CLEARED, DETAILS
from vectorgate.client.cli.commands import command
from vectorgate.client.cli.output import Column

if TYPE_CHECKING:
    from vectorgate.client.cli.session import Session

CUSTOMERS: Final = (Column("end user", "user_id"), Column("alias", "alias"), *BUDGET)
ONE: Final = (*CUSTOMERS, *DETAILS)
customer_options = fields.options(click.option("--alias", help="Their name in lists."), fields.budget_options)


@click.group()
def customers() -> None:
    """End users (the `user` of a call), and their budgets."""


@command("list", group=customers, example="vectorgate customers list --json")
@click.option("--alias")
def list_customers(session: Session, /, **filters: str | None) -> None:
    """List the end users that were made or have spent."""
    session.show(session.counted(session.admin.customers.list(**filters), "end users"), CUSTOMERS)


@command("create", group=customers, example="vectorgate customers create ann --budget 5 --budget-duration 30d")
@click.argument("user")
@customer_options
def create(session: Session, /, user: str, **values: Any) -> None:  # noqa: ANN401 - the options above
    """Give an end user a budget."""
    session.show_one(session.admin.customers.create(user, **fields.given(values)), ONE)


@command("info", group=customers, example="vectorgate customers info ann")
@click.argument("user")
def info(session: Session, /, user: str) -> None:
    """Show an end user's budget and spend."""
    session.show_one(session.admin.customers.retrieve(user), ONE)


@command("update", group=customers, example="vectorgate customers update ann --budget 10")
@click.argument("user")
@customer_options
@fields.clear_option(*CLEARED, "alias")
def update(session: Session, /, user: str, clear: tuple[str, ...], **values: Any) -> None:  # noqa: ANN401 - the options above
    """Change what is named; the rest stays."""
    session.show_one(session.admin.customers.update(user, **fields.changes(values, clear)), ONE)


@command("block", group=customers, example="vectorgate customers block ann")
@click.argument("user", nargs=-1, required=True)
def block(session: Session, /, user: tuple[str, ...]) -> None:
    """Refuse every call for these end users, within 5 seconds."""
    session.show(session.admin.customers.block(user), CUSTOMERS)


@command("unblock", group=customers, example="vectorgate customers unblock ann")
@click.argument("user", nargs=-1, required=True)
def unblock(session: Session, /, user: tuple[str, ...]) -> None:
    """Serve these end users again."""
    session.show(session.admin.customers.unblock(user), CUSTOMERS)
