"""`vectorgate completion`: the script that teaches a shell the commands and their options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from vectorgate.client.cli.commands import Command
from vectorgate.client.cli.exits import Failure

SHELLS = ("bash", "zsh", "fish")


@click.command("completion", cls=Command, example='eval "$(vectorgate completion bash)"')
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Write the completion script of a shell."""
    root = ctx.find_root()
    kind = get_completion_class(shell)
    if kind is None:
        raise Failure(f"no completion for {shell}")
    name = root.info_name or "vectorgate"
    click.echo(kind(root.command, {}, name, f"_{name}_COMPLETE".upper()).source())
