"""A gateway with Azure behind it, behind a socket, for clients that are processes of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harnesses.azure import AzureGatewayHarness
from tests.harnesses.gateway import GatewayServer

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def gateway_server() -> GatewayServer:
    """One server for the whole session."""
    return GatewayServer()


@pytest.fixture
def harness(gateway_server: GatewayServer) -> Iterator[AzureGatewayHarness]:
    """A new gateway without rows, behind the server."""
    with AzureGatewayHarness() as harness:
        gateway_server.harness = harness
        yield harness
