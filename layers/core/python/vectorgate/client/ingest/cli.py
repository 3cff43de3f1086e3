"""The command line: arguments in, an exit status out. `arguments.EPILOG` says what each status means."""

from __future__ import annotations

import argparse
import sys
import time
from typing import TYPE_CHECKING, Final

import anyio

from vectorgate.client import settings as environment
from vectorgate.client.client import Client
from vectorgate.client.errors import APIError, SettingsError
from vectorgate.client.ingest import arguments
from vectorgate.client.ingest.command import AGAIN, Command, Output
from vectorgate.client.ingest.journal import JournalBusy
from vectorgate.client.ingest.scan import scan
from vectorgate.client.ingest.session import reason_of
from vectorgate.client.options import Options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.client.destinations import Destination
    from vectorgate.client.ingest.arguments import Arguments

NOT_STARTED: Final = 2
INTERRUPTED: Final = 130  # as shells report Ctrl-C


def main(given: Sequence[str] | None = None) -> int:
    """Run as a program and return the exit status."""
    parser = argparse.ArgumentParser(prog="vectorgate ingest", description="Put a folder into a vector store.")
    arguments.add_arguments(parser)
    return ingest(parser.parse_args(given))


def ingest(parsed: argparse.Namespace) -> int:
    """Run the command and return the exit status."""
    try:
        return anyio.run(_ingest, arguments.read(parsed))
    except KeyboardInterrupt:
        return _fail(f"interrupted; {AGAIN}", INTERRUPTED)
    except (SettingsError, JournalBusy, OSError) as error:
        return _fail(str(error), NOT_STARTED)


async def _ingest(given: Arguments) -> int:
    # What stands before a gateway's URL is none of a provider's, nor of a function's that is invoked.
    auth = given.before.auth() if environment.from_environment().base_url else None
    async with Client(auth=auth) as client:
        destination = _destination(client, direct=given.direct)
        output = Output(sys.stdout, sys.stderr, time.monotonic, time.time)
        command = Command(client, destination, given, scan(given.path, given.selection), output)
        try:
            return await (command.rehearse() if given.dry_run else command.carry_out())
        except APIError as error:
            return _fail(f"{destination.api_base}: {reason_of(error)}", NOT_STARTED)


def _destination(client: Client, *, direct: bool) -> Destination:
    """Where the files go. SettingsError where that would be a provider without `--direct`."""
    settings = environment.from_environment()
    gateway = settings.base_url or settings.function
    if not gateway and not direct:
        raise SettingsError(
            "no gateway is named: set VECTORGATE_BASE_URL and VECTORGATE_API_KEY; "
            f"--direct uploads to {settings.openai_url} itself, with OPENAI_API_KEY"
        )
    if gateway and direct:
        raise SettingsError(
            f"--direct, but the environment names the gateway {gateway}: unset it, or leave out --direct"
        )
    return client.destination(Options())


def _fail(reason: str, status: int) -> int:
    sys.stderr.write(f"vectorgate ingest: {reason}\n")
    return status
