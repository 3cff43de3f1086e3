"""Local mode as a process, a scripted server, and an environment without keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.upstream import FaultyUpstream, answer
from tests.helpers.processes import run_module
from vectorgate.client.client import Client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = "sk-1234"
VARIABLES = (
    "VECTORGATE_BASE_URL",
    "VECTORGATE_API_KEY",
    "VECTORGATE_FUNCTION",
    "OPENAI_API_KEY",
    "OPENAI_BASE_URL",
    "AZURE_API_KEY",
    "AZURE_API_BASE",
    "AZURE_API_VERSION",
)
STORE = {
    "id": "vs_1",
    "object": "vector_store",
    "created_at": 1_699_061_776,
    "name": "n",
    "usage_bytes": 0,
    "bytes": 0,
    "file_counts": {"in_progress": 0, "completed": 0, "failed": 0, "cancelled": 0, "total": 0},
    "status": "completed",
    "last_active_at": 1_699_061_776,
    "metadata": {},
    "of_tomorrow": {"nested": [1]},
}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the developer's own keys out of every test."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture(scope="session")
def local_mode(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The base URL of a gateway with its embedded engine."""
    home: Path = tmp_path_factory.mktemp("local")
    settings = {"PORT": "0", "VECTORGATE_HOME": str(home), "VECTORGATE_TRUST_INVOKER": "1"}
    with run_module("local", settings) as ready:
        host = ready.partition("http://")[2].partition(" ")[0]
        assert host, "local mode did not start"
        yield f"http://{host}"


@pytest.fixture
def through(local_mode: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The environment of a program that uses the gateway."""
    monkeypatch.setenv("VECTORGATE_BASE_URL", local_mode)
    monkeypatch.setenv("VECTORGATE_API_KEY", KEY)
    return local_mode


@pytest.fixture
def server() -> Iterator[FaultyUpstream]:
    """A server that answers with a store, unless a test scripts it."""
    with FaultyUpstream(answer(200, STORE, {"x-request-id": "req_1"})) as server:
        yield server


@pytest.fixture
def gateway(server: FaultyUpstream) -> Iterator[Client]:
    """A client whose gateway is the server."""
    with Client(base_url=server.url, api_key="sk-gate") as client:
        yield client


@pytest.fixture
def direct(server: FaultyUpstream, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    """A client whose OpenAI is the server."""
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-open")
    with Client() as client:
        yield client
