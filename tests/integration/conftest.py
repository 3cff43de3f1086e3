"""A gateway behind a real socket, and the official client in front of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import httpx2
import pytest
from openai import OpenAI

from tests.harnesses.gateway import GatewayHarness, GatewayServer

if TYPE_CHECKING:
    from collections.abc import Iterator


class Connect(Protocol):
    """A client of the gateway under test; it asks once, so that calls can be counted, unless told otherwise."""

    def __call__(self, key: str, *, max_retries: int = 0) -> OpenAI: ...


@pytest.fixture(scope="session")
def door() -> GatewayServer:
    """One server for the whole session."""
    return GatewayServer()


@pytest.fixture
def harness(door: GatewayServer) -> Iterator[GatewayHarness]:
    """A new, empty gateway behind the door."""
    with GatewayHarness() as harness:
        door.harness = harness
        yield harness


@pytest.fixture(scope="session")
def wire() -> Iterator[httpx2.Client]:
    """Connections that all clients share: a pool of its own costs each test 30 ms of TLS set-up."""
    with httpx2.Client(timeout=60) as client:
        yield client


@pytest.fixture
def connect(door: GatewayServer, wire: httpx2.Client) -> Connect:
    """Makes clients."""

    def connected(key: str, *, max_retries: int = 0) -> OpenAI:
        return OpenAI(base_url=f"{door.url}/v1", api_key=key, max_retries=max_retries, http_client=wire)

    return connected
