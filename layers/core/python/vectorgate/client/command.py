"""The console script: `vectorgate <command>`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from vectorgate.client.ingest import arguments as ingest_arguments
from vectorgate.client.ingest import cli
from vectorgate.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run as a program and return the exit status."""
    parser = argparse.ArgumentParser(prog="vectorgate", description="A gateway in front of vector stores: its client.")
    parser.add_argument("--version", action="version", version=f"vectorgate {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    ingest = commands.add_parser("ingest", help="put a folder into a vector store")
    ingest_arguments.add_arguments(ingest)
    ingest.set_defaults(act=cli.ingest)
    parsed = parser.parse_args(arguments)
    return int(parsed.act(parsed))
