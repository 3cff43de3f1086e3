"""The gateway behind its socket, as the integration tests have it, and the administrator's desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.budgets import priced
from tests.integration.conftest import connect, door, gate, wire
from tests.harnesses.gateway import MASTER_KEY, Gate

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.harnesses.gateway import Door

__all__ = ["ask", "connect", "door", "gate", "wire"]


@pytest.fixture
def ask(door: Door, gate: Gate, wire: httpx.Client) -> Callable[..., Any]:
    """The administrator's desk."""
    priced(gate)

    def asked(method: str, path: str, body: object = None) -> Any:
        answer = wire.request(method, door.url + path, json=body, headers={"authorization": f"Bearer {MASTER_KEY}"})
        return answer.json()

    return asked
