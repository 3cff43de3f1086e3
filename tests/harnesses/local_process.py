"""Local mode as a user has it: a process of its own, started by its command, ended by signals."""

from __future__ import annotations

import configparser
import os
import signal
import socket
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from tests.helpers.forked import PATH, start

if TYPE_CHECKING:
    from typing import Self

    from tests.helpers.forked import ForkedProcess

ROOT = Path(__file__).resolve().parent.parent.parent
KEY = "sk-1234"
READY = "vectorgate is ready on "
NOT_INHERITED = ("AWS_", "AZURE_", "OPENAI_", "VECTORGATE_")


class LocalProcess:
    """Started and ready; `printed` is its output by then. `stop` ends it by SIGTERM, `kill` by SIGKILL.

    `settings` are further variables of its environment.
    """

    def __init__(self, home: Path, port: int | None = None, **settings: str) -> None:
        self.home = home
        self.port = port or free_port()
        self._settings = settings
        self.errors = home.with_suffix(".stderr")
        self._lines: list[str] = []
        self._process = self._start()
        self.printed = self._await_ready()
        # What it prints later has to be read, or the pipe would fill.
        self._reader = threading.Thread(target=lambda: self._lines.extend(self._output), daemon=True)
        self._reader.start()

    @property
    def url(self) -> str:
        """Without /v1."""
        return f"http://127.0.0.1:{self.port}"

    def lines(self) -> list[str]:
        """The lines that it printed before and after `printed`; all of them once it has ended."""
        return list(self._lines)

    @property
    def pid(self) -> int:
        """Of the process itself."""
        return self._process.pid

    @property
    def _output(self) -> IO[str]:
        return cast("IO[str]", self._process.stdout)

    def _start(self) -> ForkedProcess:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_INHERITED)}
        mine = {"PYTHONPATH": PATH, "VECTORGATE_HOME": str(self.home), "PORT": str(self.port), "HOST": "127.0.0.1"}
        with self.errors.open("a") as errors:
            return start("local", env=kept | mine | self._settings, stderr=errors)

    def _await_ready(self) -> str:
        for line in self._output:
            if line.startswith(READY):
                return line + self._paragraph() + self._paragraph()
            self._lines.append(line)
        raise AssertionError(f"it ended with {self._process.wait()}: {self.errors.read_text()}")

    def _paragraph(self) -> str:
        """What it prints up to the next blank line, with that."""
        lines = []
        for line in self._output:
            lines.append(line)
            if line == "\n":
                return "".join(lines)
        raise AssertionError(f"it ended with {self._process.wait()}: {self.errors.read_text()}")

    def access_key(self) -> tuple[str, str]:
        """The id and the secret of the access key that it made for its Invoke API."""
        return access_key_of(self.home)

    def children(self) -> list[int]:
        """The processes that it started."""
        tasks = Path(f"/proc/{self._process.pid}/task").glob("*/children")
        return [int(child) for task in tasks for child in task.read_text().split()]

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> int:
        """SIGKILL."""
        return self._end(signal.SIGKILL)

    def _end(self, number: signal.Signals) -> int:
        self._process.send_signal(number)
        status = self._process.wait(20)
        self._reader.join(20)
        self._output.close()
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self.stop()


def access_key_of(home: Path) -> tuple[str, str]:
    """The id and the secret of the access key in local mode's data folder."""
    parser = configparser.ConfigParser()
    parser.read(home / "aws-credentials")
    return parser["default"]["aws_access_key_id"], parser["default"]["aws_secret_access_key"]


def free_port() -> int:
    """A port on which no process listens now."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def alive(pid: int) -> bool:
    """Whether a process runs (one that ended and waits to be reaped does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
