"""The upstream as its callers have it: a process behind a real socket; and in-process, with its clock in our hands."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import httpx
import httpx2
import pytest
from openai import OpenAI

from local.upstream.app import App, build
from local.upstream.embed import Embedder

ROOT = Path(__file__).parents[3]
KEY = "sk-upstream-0123456789abcdef"


@dataclass
class Server:
    """A server process on its own folder. Usable again after it was stopped or killed."""

    home: Path
    flags: tuple[str, ...] = ()
    process: subprocess.Popen[str] | None = None
    base: str = ""

    def start(self) -> "Server":
        """Start the process and wait for its ready line."""
        module = [sys.executable, "-m", "local.upstream"]
        options = ["--home", str(self.home), "--port", "0", "--api-key-env", "UPSTREAM_KEY"]
        self.process = subprocess.Popen(  # noqa: S603 - our own server
            [*module, *options, "--exit-with-stdin", *self.flags],
            cwd=ROOT,
            env={**os.environ, "UPSTREAM_KEY": KEY, "PYTHONPATH": "layers/core/python:."},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
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
        """Wait for the end, and let go of the pipes."""
        assert self.process
        pipe(self.process.stdin).close()
        status = self.process.wait(timeout=10)
        pipe(self.process.stdout).close()
        return status


def pipe(stream: IO[str] | None) -> IO[str]:
    """A stream that is there."""
    assert stream is not None
    return stream


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("upstream"), flags=("--seed-demo",)).start()
    yield running
    running.reap()


@pytest.fixture(scope="session")
def client(server: Server) -> Iterator[OpenAI]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def http(server: Server) -> Iterator[httpx.Client]:
    """Requests that the client would not make."""
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=f"{server.base}/v1", headers=headers, timeout=20) as http:
        yield http


@dataclass
class Clocked:
    """The application in this process. Time passes, and work is done, when a test says so."""

    app: App
    clock: list[float]
    client: OpenAI
    raw: httpx.Client = field(repr=False)

    def work(self) -> None:
        """Do all there is to do."""
        while self.app.worker.step():
            pass

    def later(self, seconds: float) -> None:
        """Let time pass, and the sweep with it."""
        self.clock[0] += seconds
        self.app.worker.sweep()
        self.work()

    def file(self, text: str = "Some text.", name: str = "a.txt") -> str:
        """Upload a file."""
        return self.client.files.create(file=(name, text.encode()), purpose="assistants").id


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The model, loaded once."""
    found = Embedder()
    assert found.model
    return found


@pytest.fixture
def clocked(tmp_path: Path, embedder: Embedder) -> Iterator[Clocked]:
    clock = [1_700_000_000.0]
    app = build(tmp_path / "home", KEY, clock=lambda: clock[0], workers=0, embedder=embedder)
    with (
        httpx.Client(
            transport=httpx.WSGITransport(app=app), base_url="http://app/v1", headers={"Authorization": f"Bearer {KEY}"}
        ) as raw,
        OpenAI(
            api_key=KEY,
            base_url="http://app/v1",
            http_client=httpx2.Client(transport=httpx2.WSGITransport(app=app)),
            max_retries=0,
        ) as client,
    ):
        yield Clocked(app, clock, client, raw)
    app.close()
