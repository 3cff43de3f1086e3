"""A gateway whose calls cost something, and its administrator's app."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.factories.secrets import MASTER_KEY
from tests.harnesses.budgets import charge_for_calls

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.harnesses.gateway import GatewayHarness


@pytest.fixture
def ask(harness: GatewayHarness, http: httpx.Client) -> Callable[..., Any]:
    """A function that sends a request to the administrator's app, and returns the document of the answer."""
    charge_for_calls(harness)

    def asked(method: str, path: str, body: object = None) -> Any:
        return http.request(method, path, json=body, headers={"authorization": f"Bearer {MASTER_KEY}"}).json()

    return asked
