"""The root of the commands, and what becomes of a failure: one line on standard error, and an exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import click

from vectorgate.client.cli import exits
from vectorgate.client.cli.commands import LazyGroup
from vectorgate.client.cli.exits import Failure, OutputClosed, code_of, reason_of
from vectorgate.client.cli.output.columns import printable
from vectorgate.client.cli.session import RunEnvironment
from vectorgate.client.errors import VectorGateError
from vectorgate.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

PROGRAM: Final = "vectorgate"
_HERE: Final = "vectorgate.client.cli."
_HELP: Final = """The gateway in front of vector stores, from the command line.

Commands call the gateway that VECTORGATE_BASE_URL (or --url) names, with VECTORGATE_API_KEY (or --key). They write a
table to standard output, or JSON (--json) or CSV (--csv); messages and progress go to standard error.
"""
_EPILOG: Final = f"\b\n{exits.MEANINGS}\n\n\b\nExample:\n  vectorgate keys list --team red --json"

root: Final = LazyGroup(
    PROGRAM,
    help=_HELP,
    epilog=_EPILOG,
    lazy={
        "keys": (_HERE + "keys", "keys"),
        "teams": (_HERE + "teams", "teams"),
        "customers": (_HERE + "customers", "customers"),
        "users": (_HERE + "users", "users"),
        "stores": (_HERE + "stores", "stores"),
        "spend": (_HERE + "spend", "spend"),
        "usage": (_HERE + "spend", "usage"),
        "reconcile": (_HERE + "reconcile", "reconcile"),
        "logs": (_HERE + "logs", "logs"),
        "audit": (_HERE + "audit", "audit"),
        "exports": (_HERE + "exports", "exports"),
        "providers": (_HERE + "providers", "providers"),
        "doctor": (_HERE + "doctor.command", "doctor"),
        "demo": (_HERE + "demo", "demo"),
        "ingest": (_HERE + "ingest", "ingest"),
        "completion": (_HERE + "completion", "completion"),
    },
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            help="Print the version.",
            callback=lambda ctx, _, value: _print_version(ctx) if value else None,
        )
    ],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)


def main(arguments: Sequence[str] | None = None, environment: RunEnvironment | None = None) -> int:
    """Run as a program and return the exit code."""
    environment = environment or RunEnvironment()
    try:
        result = root.main(arguments, PROGRAM, standalone_mode=False, obj=environment)
        environment.out.flush()
    except click.ClickException as error:
        error.show(environment.err)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        environment.err.write("\n")
        return exits.INTERRUPTED
    except (VectorGateError, Failure) as error:
        return _fail(environment, reason_of(error), code_of(error))
    except (OutputClosed, BrokenPipeError):
        _close_output()
        return exits.OK
    return int(result or 0)


def _fail(environment: RunEnvironment, reason: str, code: int) -> int:
    environment.err.write(f"{PROGRAM}: {printable(reason)}\n")
    return code


def _close_output() -> None:
    """The reader (`| head`) has seen enough: let the interpreter's own flush at exit not fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _print_version(ctx: click.Context) -> None:
    click.echo(f"{PROGRAM} {__version__}")
    ctx.exit()
