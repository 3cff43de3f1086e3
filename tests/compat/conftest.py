"""A gateway behind a real socket, for clients that are processes of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harnesses.azure import AzureGate
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
