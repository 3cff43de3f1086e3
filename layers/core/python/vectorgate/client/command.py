"""The console script: `vectorgate <command>`. `ingest` needs the SDK alone, the other commands the extra `cli`."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from vectorgate.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

EXTRA: Final = frozenset({"click", "rich"})
INSTALL: Final = 'the other commands need: pip install "vectorgate[cli]"'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program and return the exit status."""
    given = sys.argv[1:] if arguments is None else [*arguments]
    if given[:1] == ["ingest"]:
        return _without_extra(given)
    try:
        from vectorgate.client.cli.main import main as with_extra  # noqa: PLC0415 - `ingest` does not need it

        return with_extra(given)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
    return _without_extra(given)


def _without_extra(given: Sequence[str]) -> int:
    from vectorgate.client.ingest import arguments as ingest_arguments  # noqa: PLC0415 - the other commands do without
    from vectorgate.client.ingest import cli  # noqa: PLC0415 - the same: it imports anyio

    parser = argparse.ArgumentParser(
        prog="vectorgate", description="A gateway in front of vector stores: its client.", epilog=INSTALL
    )
    parser.add_argument("--version", action="version", version=f"vectorgate {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    ingest = commands.add_parser("ingest", help="put a folder into a vector store")
    ingest_arguments.add_arguments(ingest)
    ingest.set_defaults(act=cli.ingest)
    parsed = parser.parse_args(given)
    return int(parsed.act(parsed))
