"""`vectorgate keys`: virtual keys, and the keys of administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from vectorgate.client.cli import fields
from vectorgate.client.cli.commands import command
from vectorgate.client.cli.key_names import token_of
from vectorgate.client.cli.output import Column, Kind

if TYPE_CHECKING:
    from vectorgate.client.cli.session import Session

KEYS: Final = (
    Column("token", "token", Kind.LONG),
    Column("alias", "key_alias"),
    Column("team", "team_id"),
    Column("role", "role"),
    Column("spend", "spend", Kind.USD),
    Column("budget", "max_budget", Kind.USD),
    Column("created", "created_at", Kind.TIME),
    Column("expires", "expires", Kind.TIME),
    Column("blocked", "blocked", Kind.FLAG),
)
ONE: Final = (
    Column("key", "key"),
    *KEYS,
    Column("former key ends", "former_key_until", Kind.TIME),
    Column("user", "user_id"),
    Column("soft budget", "soft_budget", Kind.USD),
    Column("budget period", "budget_duration"),
    Column("budget resets", "budget_reset_at", Kind.TIME),
    Column("requests a minute", "rpm_limit", Kind.NUMBER),
    Column("tokens a minute", "tpm_limit", Kind.NUMBER),
    Column("requests at a time", "max_parallel_requests", Kind.NUMBER),
    Column("models", "models"),
    Column("tools", "allowed_tools"),
    Column("tags", "tags"),
    Column("routes", "allowed_routes"),
    Column("providers", "allowed_providers"),
    Column("stores", "object_permission.vector_stores"),
    Column("read only", "read_only", Kind.FLAG),
    Column("metadata", "metadata"),
    Column("storage not charged yet", "pending_storage_spend", Kind.USD),
)
key_options = fields.options(
    click.option("--alias", "key_alias", help="Its name in lists and records."),
    click.option("--user", "user_id", help="The person who holds it."),
    click.option("--duration", metavar="DURATION", help="When it ends, such as 30d from now."),
    fields.budget_options,
    click.option("--model", "models", multiple=True, help="A model that it may use; may be repeated."),
    click.option("--tool", "allowed_tools", multiple=True, help="A tool that it may use; may be repeated."),
    click.option("--tag", "tags", multiple=True, help="A tag of its records; may be repeated."),
    click.option("--route", "allowed_routes", multiple=True, help="A path that it may call; may be repeated."),
    click.option("--provider", "allowed_providers", multiple=True, help="A provider of its calls; may be repeated."),
    click.option("--store", "stores", multiple=True, metavar="ID", help="A store that it may use; may be repeated."),
    click.option("--read-only", is_flag=True, help="Refuse changes."),
)
NAMED: Final = "KEY is the key, its token, the first eight or more characters of that, or an alias."


@click.group(epilog=NAMED)
def keys() -> None:
    """Virtual keys and admin keys."""


@command("list", group=keys, example="vectorgate keys list --team red --expires-within 7d")
@click.option("--team", "team_id")
@click.option("--user", "user_id")
@click.option("--alias", "key_alias")
@click.option("--status", type=click.Choice(["active", "expired", "revoked"]))
@click.option("--expires-within", metavar="DURATION", help="Such as 7d.")
def list_keys(session: Session, /, **filters: str | None) -> None:
    """List keys with budget and spend, newest first."""
    session.show(session.counted(session.admin.keys.list(**filters), "keys"), KEYS)


@command("create", group=keys, example="vectorgate keys create --team red --alias ci --budget 50 --budget-duration 30d")
@click.option("--team", "team_id", help="Whose stores it sees. Without one: its own.")
@click.option("--create-team", is_flag=True, help="Make the team if it is new.")
@click.option("--role", type=click.Choice(["admin", "team_admin"]), help="A key of an administrator.")
@key_options
def create(session: Session, /, **values: Any) -> None:  # noqa: ANN401 - the options above
    """Make a key. The secret is shown this once."""
    session.show_one(session.admin.keys.create(**_fields(values)), ONE)


@command("info", group=keys, example="vectorgate keys info ci")
@click.argument("key")
def info(session: Session, /, key: str) -> None:
    """Show a key, its limits and its spend."""
    session.show_one(session.admin.keys.retrieve(token_of(session.admin, key)), ONE)


@command("update", group=keys, example="vectorgate keys update ci --budget 100 --clear duration")
@click.argument("key")
@key_options
@fields.clear_option("max_budget", "soft_budget", "budget_duration", "duration", "models", "allowed_tools", "tags")
def update(session: Session, /, key: str, clear: tuple[str, ...], **values: Any) -> None:  # noqa: ANN401 - the options above
    """Change what is named; the rest stays."""
    changes = fields.changes(_fields(values), clear)
    session.show_one(session.admin.keys.update(token_of(session.admin, key), **changes), ONE)


@command("block", group=keys, example="vectorgate keys block 3fa9c2d1")
@click.argument("key", nargs=-1, required=True)
def block(session: Session, /, key: tuple[str, ...]) -> int:
    """Refuse every call of these keys, within 5 seconds."""
    return session.each(key, lambda name: session.admin.keys.block(token_of(session.admin, name)), KEYS)


@command("unblock", group=keys, example="vectorgate keys unblock ci")
@click.argument("key", nargs=-1, required=True)
def unblock(session: Session, /, key: tuple[str, ...]) -> int:
    """Serve these keys again."""
    return session.each(key, lambda name: session.admin.keys.unblock(token_of(session.admin, name)), KEYS)


@command("rotate", group=keys, example="vectorgate keys rotate ci --grace 24h")
@click.argument("key")
@click.option("--grace", "grace_period", metavar="DURATION", help="How long the secret before stays valid; default 0.")
@click.option("--duration", metavar="DURATION", help="When the key ends, such as 30d from now.")
@fields.YES
def rotate(session: Session, /, key: str, grace_period: str | None, duration: str | None, *, yes: bool) -> None:
    """Give a key another secret, which is shown this once. Budget, records and objects stay."""
    token = token_of(session.admin, key)
    if grace_period is None:
        session.confirm(f"The secret of {key} ends now, without --grace. Go on?", yes=yes)
    session.show_one(session.admin.keys.rotate(token, grace_period=grace_period, duration=duration), ONE)


@command("delete", group=keys, example="vectorgate keys delete ci --yes")
@click.argument("key", nargs=-1, required=True)
@fields.YES
def delete(session: Session, /, key: tuple[str, ...], *, yes: bool) -> int:
    """Delete keys. Their stores stay with their team."""
    session.confirm(f"Delete {', '.join(key)}?", yes=yes)

    def remove(name: str) -> dict[str, object]:
        (token,) = session.admin.keys.remove([token_of(session.admin, name)])
        return {"token": token, "deleted": True}

    return session.each(key, remove, (Column("token", "token", Kind.LONG), Column("deleted", "deleted", Kind.FLAG)))


def _fields(values: dict[str, Any]) -> dict[str, Any]:
    stores = values.pop("stores")
    chosen = fields.given(values)
    return chosen | ({"object_permission": {"vector_stores": [*stores]}} if stores else {})
