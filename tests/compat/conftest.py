"""Clients that are processes of their own, and a gateway with Azure behind it for them, behind a socket.

`make compat` runs these tests: it installs npm's packages and an interpreter for clients that have a hundred
dependencies, which VECTORGATE_COMPAT_PYTHON names. Without that name nothing is collected; with it nothing is skipped.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.harnesses.azure import AzureGatewayHarness
from tests.harnesses.gateway import GatewayServer

if TYPE_CHECKING:
    from collections.abc import Iterator

if "VECTORGATE_COMPAT_PYTHON" not in os.environ:
    collect_ignore_glob = ["test_*.py"]


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
