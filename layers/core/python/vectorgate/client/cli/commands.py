"""What every command has: an example in its help, the options of the gateway and of the format, and a session."""

from __future__ import annotations

from functools import wraps
from importlib import import_module
from typing import TYPE_CHECKING, Any, Concatenate, Final, ParamSpec

import click

from vectorgate.client.cli.exits import OutputClosed
from vectorgate.client.cli.gateway import NAMES, OPTIONS, Gateway
from vectorgate.client.cli.output import Format
from vectorgate.client.cli.session import RunEnvironment, Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

P = ParamSpec("P")

JSON: Final = click.Option(
    ["--json", "as_json"], is_flag=True, help="Write JSON: the gateway's own fields, all of them."
)
CSV: Final = click.Option(["--csv", "as_csv"], is_flag=True, help="Write CSV: the table's columns, with exact amounts.")


class Command(click.Command):
    """A command with an example of its use."""

    def __init__(self, *args: Any, example: str, **options: Any) -> None:  # noqa: ANN401 - click's own
        self.example = example
        super().__init__(*args, **options)
        self.epilog = f"\b\nExample:\n  {example}"


class LazyGroup(click.Group):
    """A group whose commands stand in modules that are imported when they are needed: `name: (module, attribute)`."""

    def __init__(self, *args: Any, lazy: Mapping[str, tuple[str, str]], **options: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(*args, **options)
        self._lazy = lazy

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return [*self._lazy, *super().list_commands(ctx)]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, out of its module."""
        if cmd_name not in self._lazy:
            return super().get_command(ctx, cmd_name)
        module, attribute = self._lazy[cmd_name]
        found: click.Command = getattr(import_module(module), attribute)
        return found


def command(
    name: str, *, example: str, group: click.Group | None = None, gateway: bool = True
) -> Callable[[Callable[Concatenate[Session, P], int | None]], Command]:
    """Make a function a command, whose first argument is the session and whose result is the exit code (None: 0).

    `gateway`: it has the options by which a gateway is named.
    """

    def made(function: Callable[Concatenate[Session, P], int | None]) -> Command:
        @wraps(function)
        @click.pass_context
        def run(ctx: click.Context, /, **given: Any) -> int:  # noqa: ANN401 - the function's own parameters
            session = Session(
                ctx.find_object(RunEnvironment) or RunEnvironment(),
                _format(as_json=given.pop("as_json"), as_csv=given.pop("as_csv")),
                Gateway(**{name: given.pop(name) for name in NAMES}) if gateway else Gateway(),
            )
            try:
                return function(session, **given) or 0  # type: ignore[call-arg]
            except BrokenPipeError as error:
                raise OutputClosed from error  # click would end the program with 1

        new = click.command(name, cls=Command, example=example)(run)
        new.params += [*(OPTIONS if gateway else ()), JSON, CSV]
        if group is not None:
            group.add_command(new)
        return new

    return made


def _format(*, as_json: bool, as_csv: bool) -> Format:
    if as_json and as_csv:
        raise click.UsageError("--json and --csv: choose one of them.")
    return Format.JSON if as_json else Format.CSV if as_csv else Format.TABLE
