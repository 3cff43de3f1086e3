"""Modules that run as processes of their own, forked from one that has imported local mode and the engine.

`python -m local` takes a second of processor time to import what it needs, and the tests start it a hundred times. A
forked process runs the same module in the same environment; only its imports are done, and those do nothing else. The
tests of the command line (tests/integration/local/test_start.py) start it as its users do.
"""

from __future__ import annotations

import array
import atexit
import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROOT: Final = Path(__file__).resolve().parents[2]
PATH: Final = os.pathsep.join([str(ROOT / "layers" / "core" / "python"), str(ROOT)])
STATUS: Final = "i"  # how a pid and an exit status are sent


@dataclass(slots=True)
class ForkedProcess:
    """What tests need of a `subprocess.Popen` in text mode."""

    pid: int
    stdin: IO[str] | None
    stdout: IO[str] | None
    _ended: socket.socket
    returncode: int | None = field(default=None)

    def wait(self, timeout: float | None = None) -> int:
        """Return its exit status, or the negative number of the signal that ended it. TimeoutExpired."""
        if self.returncode is None:
            self._ended.settimeout(timeout)
            try:
                self.returncode = received(self._ended)
            except TimeoutError:
                raise subprocess.TimeoutExpired(["forked"], timeout or 0) from None
            self._ended.close()
        return self.returncode

    def poll(self) -> int | None:
        """Return its exit status, None while it runs."""
        with suppress(subprocess.TimeoutExpired, BlockingIOError):
            return self.wait(0)
        return None

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def start(
    module: str,
    arguments: Sequence[str] = (),
    *,
    env: Mapping[str, str],
    stderr: IO[Any] | None = None,
    with_input: bool = False,
) -> ForkedProcess:
    """Run `python -m module` in the repository's root, its output a pipe to here, and its input if `with_input`."""
    mine_in, theirs_in, (mine_out, theirs_out) = None, os.open(os.devnull, os.O_RDONLY), os.pipe()
    if with_input:
        os.close(theirs_in)
        theirs_in, mine_in = os.pipe()
    errors = stderr.fileno() if stderr else 2
    ended = ask(_server(), module, arguments, env=env, streams=(theirs_in, theirs_out, errors))
    os.close(theirs_in)
    os.close(theirs_out)
    return ForkedProcess(received(ended), os.fdopen(mine_in, "w") if mine_in else None, os.fdopen(mine_out), ended)


def ask(
    server: socket.socket,
    module: str,
    arguments: Sequence[str],
    *,
    env: Mapping[str, str],
    streams: tuple[int, int, int],
) -> socket.socket:
    """Ask for a process with these standard streams. Return where its pid and then its exit status are received."""
    mine, theirs = socket.socketpair()
    request = json.dumps({"module": module, "arguments": list(arguments), "env": dict(env)}).encode()
    socket.send_fds(server, [request], [*streams, theirs.fileno()])
    theirs.close()
    return mine


def received(connection: socket.socket) -> int:
    """Return the next number that the process which forks has sent."""
    (number,) = array.array(STATUS, connection.recv(array.array(STATUS).itemsize))
    return int(number)


@cache
def _server() -> socket.socket:
    """The process that forks, one for each worker of pytest. It ends with the worker."""
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server = subprocess.Popen(  # noqa: S603 - this module
        [sys.executable, "-m", "tests.helpers.fork_server", str(theirs.fileno())],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": PATH},
        pass_fds=[theirs.fileno()],
        stdin=subprocess.DEVNULL,
    )
    theirs.close()
    atexit.register(_end, mine, server)
    return mine


def _end(connection: socket.socket, server: subprocess.Popen[bytes]) -> None:
    connection.close()
    server.wait(10)
