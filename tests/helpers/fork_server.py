"""`python -m tests.helpers.fork_server FD`: the process that tests.helpers.forked asks for processes."""

from __future__ import annotations

import gc
import os
import socket
import sys

# What the forked processes need is imported here, once.
import engine.bootstrap  # noqa: F401
import local.app
import local.serving  # noqa: F401
from tests.helpers.forking import serve


def main() -> None:
    """Fork as asked on the socket whose number is the argument, until the worker of pytest has ended."""
    gc.freeze()
    wanted = serve(socket.socket(fileno=int(sys.argv[1])), until=os.getppid())
    if wanted:
        wanted.run()


if __name__ == "__main__":
    main()
