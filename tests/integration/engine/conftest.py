"""The engine as its callers have it, a process behind a socket; and in this process, with a clock of the test's."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import httpx2
import pytest
from openai import OpenAI
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config
from uvicorn import Server as Uvicorn

from engine.__main__ import listener
from engine.adapters.wordllama import WordLlama
from engine.bootstrap import Service, build
from engine.ports import Embedder
from tests.harnesses.engine_process import AUTHORIZED, KEY, EngineProcess


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineProcess]:
    running = EngineProcess(tmp_path_factory.mktemp("upstream"), flags=("--seed-demo",)).start()
    yield running
    running.reap()


@pytest.fixture(scope="session")
def client(server: EngineProcess) -> Iterator[OpenAI]:
    with server.client() as client:
        yield client


@pytest.fixture(scope="session")
def http(server: EngineProcess) -> Iterator[httpx.Client]:
    """Requests that the client would not make."""
    with httpx.Client(base_url=f"{server.base}/v1", headers=AUTHORIZED, timeout=20) as http:
        yield http


class InProcess:
    """A server in this process, whose application is that of the test."""

    def __init__(self) -> None:
        self.app: ASGIApp | None = None
        socket = listener(0)
        self.url = f"http://127.0.0.1:{socket.getsockname()[1]}/v1"
        self._server = Uvicorn(Config(self._call, interface="asgi3", lifespan="off", ws="none", log_config=None))
        self._thread = threading.Thread(target=self._server.run, args=([socket],), name="engine", daemon=True)
        self._thread.start()

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self.app
        await self.app(scope, receive, send)

    def stop(self) -> None:
        """End."""
        self._server.should_exit = True
        self._thread.join(10)


@pytest.fixture(scope="session")
def in_process() -> Iterator[InProcess]:
    running = InProcess()
    yield running
    running.stop()


@dataclass
class Clocked:
    """The engine in this process. Time passes, and work is done, when a test says so."""

    service: Service
    clock: list[float]
    client: OpenAI
    raw: httpx.Client = field(repr=False)

    def work(self) -> None:
        """Do all there is to do."""
        while self.service.worker.step():
            pass

    def later(self, seconds: float) -> None:
        """Let time pass, and the sweep with it."""
        self.clock[0] += seconds
        self.service.worker.sweep()
        self.work()

    def file(self, text: str = "Some text.", name: str = "a.txt") -> str:
        """Upload a file."""
        return self.client.files.create(file=(name, text.encode()), purpose="assistants").id


@pytest.fixture(scope="session")
def embedder() -> Embedder:
    """The model, loaded once."""
    found = WordLlama()
    found.load()
    return found


@pytest.fixture
def clocked(tmp_path: Path, embedder: Embedder, in_process: InProcess, http_client: httpx2.Client) -> Iterator[Clocked]:
    clock = [1_700_000_000.0]
    service = build(tmp_path / "home", KEY, clock=lambda: clock[0], workers=0, embedder=embedder)
    in_process.app = service.app
    client = OpenAI(api_key=KEY, base_url=in_process.url, http_client=http_client, max_retries=0)
    with httpx.Client(base_url=in_process.url, headers=AUTHORIZED) as raw:
        yield Clocked(service, clock, client, raw)
    service.close()
