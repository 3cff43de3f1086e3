"""The engine as its callers have it: a process of its own behind a socket."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from openai import OpenAI

from tests.helpers.forked import PATH, ForkedProcess, start

ROOT = Path(__file__).parents[2]
KEY = "sk-upstream-0123456789abcdef"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


@dataclass
class EngineProcess:
    """A server process on its own folder. Usable again after it was stopped or killed."""

    home: Path
    flags: tuple[str, ...] = ()
    process: ForkedProcess | None = None
    base: str = ""

    def start(self) -> EngineProcess:
        """Start the process and wait for its ready line."""
        options = ["--home", str(self.home), "--port", "0", "--api-key-env", "UPSTREAM_KEY", "--exit-with-stdin"]
        self.process = start(
            "engine",
            [*options, *self.flags],
            env={**os.environ, "UPSTREAM_KEY": KEY, "PYTHONPATH": PATH},
            with_input=True,
        )
        line = pipe(self.process.stdout).readline()
        assert line.startswith("listening on http://127.0.0.1:"), line
        self.base = line.split()[-1]
        return self

    def client(self, **options: object) -> OpenAI:
        """The real client over the real socket."""
        return OpenAI(api_key=KEY, base_url=f"{self.base}/v1", max_retries=0, timeout=20).with_options(**options)  # type: ignore[arg-type]

    def kill(self) -> None:
        """As the kernel does when memory is short."""
        assert self.process
        self.process.kill()
        self.reap()

    def reap(self) -> int:
        """Wait for the end, and close the pipes."""
        assert self.process
        pipe(self.process.stdin).close()
        status = self.process.wait(timeout=10)
        pipe(self.process.stdout).close()
        return status


def pipe(stream: IO[str] | None) -> IO[str]:
    """A stream that is there."""
    assert stream is not None
    return stream
