"""`python -m local`: the gateway on this machine. `--help` lists its settings."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import socket
import sys
from typing import Final

from local.banner import HELP
from local.home import locked
from local.mistakes import CannotStart
from local.settings import LocalSettings

SWITCH_SECONDS: Final = 0.0005  # the default of 5 ms is what a request would wait for the thread that settles
PRIVATE: Final = 0o077  # the databases and the files are for their user alone


class _Parser(argparse.ArgumentParser):
    """Prints our own help."""

    def format_help(self) -> str:
        return HELP


def main() -> None:
    """Serve until SIGTERM or SIGINT. A mistake of the operator is one line, and exit status 1."""
    _Parser(prog="python -m local").parse_args()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    sys.setswitchinterval(SWITCH_SECONDS)
    signal.signal(signal.SIGTERM, _stop)
    os.umask(PRIVATE)
    try:
        settings = LocalSettings.read(os.environ, socket.gethostname())
        with locked(settings.home):
            _serve(settings)
    except CannotStart as mistake:
        sys.exit(f"vectorgate: {mistake}")


def _serve(settings: LocalSettings) -> None:
    """Load what serves only now, so that a mistake in the settings is told at once."""
    from local.server.listening import raise_file_limit
    from local.serving import run

    raise_file_limit()
    run(settings)


def _stop(_signal: int, _frame: object) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
