"""The gateway behind its socket, as the integration tests have it, and the administrator's app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.budgets import priced
from tests.harnesses.gateway import MASTER_KEY, GatewayHarness
from tests.integration.conftest import connect, door, wire

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.harnesses.gateway import GatewayServer

__all__ = ["ask", "connect", "door", "harness", "wire"]


@pytest.fixture
def ask(door: GatewayServer, harness: GatewayHarness, wire: httpx.Client) -> Callable[..., Any]:
    """The administrator's app."""
    priced(harness)

    def asked(method: str, path: str, body: object = None) -> Any:
        answer = wire.request(method, door.url + path, json=body, headers={"authorization": f"Bearer {MASTER_KEY}"})
        return answer.json()

    return asked
