"""`python -m tests.helpers.forked_worker ADDRESS -u -c LINE`: an interpreter for execnet that is forked, not started.

The process at the address (tests.helpers.forked_workers) forks. The fork has the standard streams of this process, and
executes the line, by which execnet makes it a worker.
"""

from __future__ import annotations

import os
import socket
import sys

from tests.helpers.forked import ask, received


def main(address: str, *options: str) -> int:
    """Return the worker's exit status."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as server:
        server.connect(address)
        ended = ask(server, __spec__.name, options[-2:], env=os.environ, streams=(0, 1, 2))
    received(ended)  # its pid
    return received(ended)


if __name__ == "__main__":
    if sys.argv[1] == "-c":
        exec(sys.argv[2], {"__name__": "__main__"})  # noqa: S102 - execnet's line, as `python -c` does
    else:
        sys.exit(main(*sys.argv[1:]))
