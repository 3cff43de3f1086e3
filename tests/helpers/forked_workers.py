"""`python -m tests.helpers.forked_workers WORKERS ARGUMENT...`: pytest, its workers forked from one that collected.

Each worker of pytest-xdist collects every test: four interpreters compile, rewrite and import all of them, and what
they stand on. Here one does, and the workers are forked from it: xdist takes tests.helpers.forked_worker for the
interpreter of a worker, and that asks this process for the worker.
"""

from __future__ import annotations

import gc
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

import pytest

from tests.helpers.forking import serve

WORKER: Final = "tests.helpers.forked_worker"


def main(workers: str, *arguments: str) -> int:
    """Return pytest's exit status, and that of a worker in the workers."""
    folder = tempfile.mkdtemp()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as requests:
        requests.bind(address := f"{folder}/workers")
        controller = _controller(workers, address, arguments)
        _collect(arguments)
        wanted = serve(requests, until=controller.pid)
    if wanted:
        wanted.run()
        return 0
    shutil.rmtree(folder)
    return controller.wait()


def _controller(workers: str, address: str, arguments: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """Start what hands out the tests. Interrupted, it says how far it came, and this process ends with it."""
    nodes = f"{workers}*popen//python={sys.executable} -m {WORKER} {address}"
    controller = subprocess.Popen(  # noqa: S603 - this interpreter
        [sys.executable, "-m", "pytest", "--dist", "loadscope", "--tx", nodes, *arguments]
    )
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    return controller


def _collect(arguments: tuple[str, ...]) -> None:
    """Import all that the tests do. What cannot be imported, the workers report."""
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere):
        pytest.main(["--collect-only", *arguments])
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
