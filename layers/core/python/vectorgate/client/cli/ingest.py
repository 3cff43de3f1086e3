"""`vectorgate ingest`, whose arguments its own parser reads: it works without this extra, too."""

from __future__ import annotations

import click

from vectorgate.client.cli.commands import Command


@click.command(
    "ingest",
    cls=Command,
    example='vectorgate ingest ./handbook --store "Handbook"',
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
@click.argument("arguments", nargs=-1, type=click.Path())
def ingest(arguments: tuple[str, ...]) -> int:
    """Put a folder into a vector store."""
    from vectorgate.client.ingest.cli import main  # noqa: PLC0415 - httpx and anyio, which --help does not need

    return main(arguments)
