"""`vectorgate providers`: the providers' credentials, which the functions of a deployment read from Secrets Manager."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from vectorgate.client.cli.commands import command
from vectorgate.client.cli.exits import USAGE, Failure
from vectorgate.client.cli.output import Column, Kind
from vectorgate.client.cli.stack import stack_of, stack_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.client.cli.output.columns import Row
    from vectorgate.client.cli.session import Session

# A copy: the module that has them imports httpx, which --help does not need. A test compares the two.
NAMES: Final = ("openai", "openai_admin", "azure", "azure_ai")
OPENAI_URL: Final = "https://api.openai.com/v1"
PROVIDERS: Final = (
    Column("provider", "provider"),
    Column("state", "state"),
    Column("changed (UTC)", "changed", Kind.TIME),
    Column("secret", "secret"),
)
WRITTEN: Final = (Column("provider", "provider"), Column("secret", "secret"), Column("version", "version", Kind.LONG))


@click.group()
def providers() -> None:
    """The providers of a deployment on AWS, and their credentials."""


@command("list", group=providers, example="vectorgate providers list --stack vectorgate", gateway=False)
@stack_options
def list_providers(session: Session, /, stack: str, region: str | None) -> None:
    """List the providers, and whether the gateway can use their secrets. Shows no credential."""
    session.show(list(_described(session, stack, region)), PROVIDERS)


def _described(session: Session, stack: str, region: str | None) -> Iterator[Row]:
    from vectorgate.client.cli.provider_secrets import secrets_of  # noqa: PLC0415 - see NAMES

    aws = session.environment.aws(region)
    for secret in secrets_of(stack_of(stack, aws)):
        changed = aws.call("secretsmanager", "describe_secret", SecretId=secret.id).get("LastChangedDate")
        yield {
            "provider": secret.provider,
            "state": secret.fault(secret.text(aws)) or "usable",
            "changed": changed.timestamp() if changed is not None else None,
            "secret": secret.id,
        }


@command("set", group=providers, example="vectorgate providers set openai < key.txt", gateway=False)
@click.argument("provider", type=click.Choice(NAMES))
@stack_options
@click.option("--base-url", help=f"Of the provider. Default: as before, at first {OPENAI_URL} for OpenAI.")
@click.option("--api-version", help="Of Azure's dated API.")
@click.option("--projects", "project_ids", metavar="IDS", help="Of openai_admin: the projects to compare, with commas.")
def set_provider(
    session: Session, /, provider: str, *, stack: str, region: str | None, base_url: str | None, **options: str | None
) -> None:
    """Write a provider's key to its secret. The key is asked for, or read from standard input; it is never shown.

    The functions use it within five minutes, or at the provider's first refusal of the key before.
    """
    from vectorgate.client.cli.provider_secrets import OPENAI, OPENAI_ADMIN, merged, secret_of  # noqa: PLC0415 - see NAMES

    aws = session.environment.aws(region)
    secret = secret_of(stack_of(stack, aws), provider)
    before = secret.text(aws)
    first_url = OPENAI_URL if provider in {OPENAI, OPENAI_ADMIN} and '"base_url"' not in before else None
    changes = {"base_url": base_url or first_url, **options, "api_key": _key(session, provider)}
    version = secret.put(merged(before, provider, changes), aws)
    session.show_one({"provider": provider, "secret": secret.id, "version": version}, WRITTEN)


def _key(session: Session, provider: str) -> str:
    """The key, from a hidden prompt or from standard input. Failure for one that cannot be a key."""
    stdin = session.environment.stdin
    key = session.environment.ask(f"Key of {provider}") if stdin.isatty() else stdin.read()
    if not key.strip() or len(key.split()) != 1:
        raise Failure("expected one key, without blanks, and nothing else on standard input", USAGE)
    return key.strip()
