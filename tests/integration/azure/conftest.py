"""A gateway with Azure behind it, behind a real socket."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import pytest

from tests.factories.azure_requests import DEFINITION
from tests.harnesses.azure import READ, REAL, WRITE, AzureGate
from tests.harnesses.gateway import GatewayServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def door() -> GatewayServer:
    """One server for the whole session."""
    return GatewayServer()


@pytest.fixture
def harness(door: GatewayServer) -> Iterator[AzureGate]:
    """A new, empty gateway behind the door."""
    with AzureGate() as harness:
        door.harness = harness
        yield harness


@pytest.fixture(scope="session")
def http(door: GatewayServer) -> Iterator[httpx.Client]:
    """Plain HTTP to the gateway, from one client: a pool of its own costs each test 30 ms of TLS set-up."""
    with httpx.Client(base_url=door.url, timeout=30) as client:
        yield client


@pytest.fixture
def key(harness: AzureGate) -> str:
    """A virtual index, and a key that may read and write it."""
    harness.index()
    return harness.index_key("sk-both-ways", READ, WRITE)


@pytest.fixture
def made(harness: AzureGate, key: str) -> str:
    """The index is there, with one document."""
    harness.plain_search.indexes[REAL] = {
        "definition": {**DEFINITION, "name": REAL},
        "docs": {"1": {"id": "1", "name": REAL}},
    }
    return key
