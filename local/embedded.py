"""The embedded upstream as a process of its own: a real provider behind a real socket, that ends when we do."""

from __future__ import annotations

import secrets
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, Final

from local.options import CannotStart, one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

READY: Final = "listening on "
KEY_SETTING: Final = "VECTORGATE_UPSTREAM_KEY"
STOP_SECONDS: Final = 10.0


class UpstreamDied(CannotStart):
    """The process ended before it was ready."""


class EmbeddedUpstream:
    """Starts the process, restarts it on the same port when it dies, and stops it."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.api_key = secrets.token_urlsafe(32)  # between the two processes only; new at every start
        self._home = _made(home)
        self._environment = {**environment, KEY_SETTING: self.api_key}
        self._stopping = threading.Event()
        self._process, self.base_url = self._start(0)
        self._keeper = threading.Thread(target=self._keep, name="upstream-keeper", daemon=True)
        self._keeper.start()

    def stop(self) -> None:
        """End the process: first by asking."""
        self._stopping.set()
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._keeper.join(STOP_SECONDS)

    def _start(self, port: int) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "local.upstream", "--home", str(self._home), "--port", str(port)]
        command += ["--api-key-env", KEY_SETTING, "--exit-with-stdin", "--seed-demo"]
        process = subprocess.Popen(  # noqa: S603 - our own module, by our own interpreter
            command, env=self._environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        line = _output(process).readline().strip()
        if not line.startswith(READY):
            process.kill()
            raise UpstreamDied(f"the embedded upstream ended with status {process.wait()}")
        return process, line.removeprefix(READY) + "/v1"

    def _keep(self) -> None:
        while not self._stopping.is_set():
            self._process.wait()
            if not self._stopping.wait(1.0):
                port = int(self.base_url.rsplit(":", 1)[1].partition("/")[0])
                self._process, self.base_url = self._start(port)


def _made(home: Path) -> Path:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"VECTORGATE_HOME cannot be used: {one_line(error)}") from None
    return home


def _output(process: subprocess.Popen[str]) -> IO[str]:
    if process.stdout is None:
        raise UpstreamDied("no output to read from")
    return process.stdout
