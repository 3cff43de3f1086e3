"""The embedded engine as a child process: a real provider behind a real socket, which ends when this one ends."""

from __future__ import annotations

import logging
import secrets
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, Final

from local.mistakes import CannotStart, one_line
from local.provider_settings import CREDENTIALS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

READY: Final = "listening on "
KEY_SETTING: Final = "VECTORGATE_UPSTREAM_KEY"
STOP_SECONDS: Final = 10.0
RESTART_SECONDS: Final = 1.0  # between the end of the process, or of an attempt to start it, and the next attempt

_log = logging.getLogger("vectorgate")


class EngineEnded(CannotStart):
    """The process ended before it was ready."""


class EngineProcess:
    """Starts the process, restarts it on the same port when it dies, and stops it."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        self.api_key = secrets.token_urlsafe(32)  # between the two processes only; new at every start
        self._home = _made(home)
        kept = {name: text for name, text in environment.items() if name not in CREDENTIALS}
        self._environment = {**kept, KEY_SETTING: self.api_key}
        self._stopping = threading.Event()
        self._process, self.base_url = self._start(0)
        self._keeper = threading.Thread(target=self._keep, name="engine-keeper", daemon=True)
        self._keeper.start()

    def stop(self) -> None:
        """End the process: SIGTERM first, SIGKILL if it does not end."""
        self._stopping.set()
        self._process.terminate()
        self._keeper.join(STOP_SECONDS)
        with self._process as process:  # which closes its pipes; the keeper may have started another one meanwhile
            process.terminate()
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()

    def _start(self, port: int) -> tuple[subprocess.Popen[str], str]:
        command = [sys.executable, "-m", "engine", "--home", str(self._home), "--port", str(port)]
        command += ["--api-key-env", KEY_SETTING, "--exit-with-stdin", "--seed-demo"]
        process = subprocess.Popen(  # noqa: S603 - this project's module, by this interpreter
            command,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,  # Ctrl+C goes to a whole group, and this process has calls to finish then
        )
        line = _output(process).readline().strip()
        if not line.startswith(READY):
            with process:  # which closes its pipes
                process.kill()
            raise EngineEnded(f"the embedded engine ended with status {process.returncode}")
        return process, line.removeprefix(READY) + "/v1"

    def _keep(self) -> None:
        while not self._stopping.is_set():
            try:
                self._process.wait()
                if not self._stopping.wait(RESTART_SECONDS):
                    self._restart(int(self.base_url.rsplit(":", 1)[1].partition("/")[0]))
            except Exception as error:  # noqa: BLE001 - it would end the thread without a word
                _log.error("the embedded engine: %s; it will be started again", type(error).__name__)

    def _restart(self, port: int) -> None:
        """Start it again. If that fails, the process stays the one that ended, and the keeper tries once more."""
        ended = self._process
        try:
            self._process, self.base_url = self._start(port)
        except (EngineEnded, OSError) as error:  # OSError: the system has no process to spare
            _log.error("%s; it will be started again", one_line(error))
            return
        with ended:  # which closes its pipes
            pass


def _made(home: Path) -> Path:
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotStart(f"VECTORGATE_HOME cannot be used: {one_line(error)}") from None
    return home


def _output(process: subprocess.Popen[str]) -> IO[str]:
    if process.stdout is None:
        raise EngineEnded("no output to read from")
    return process.stdout
