"""Posting with headers that say what a request repeats."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.harnesses.gateway import GatewayHarness, GatewayServer

KEY, OTHER = "sk-idempotent-one", "sk-idempotent-two"
STORES = "/v1/vector_stores"


@pytest.fixture
def post(
    gateway_server: GatewayServer, harness: GatewayHarness, http_client: httpx.Client
) -> Callable[..., httpx.Response]:
    """A function that posts a body with headers."""
    harness.key(KEY)

    def posted(body: Any = None, *, path: str = STORES, key: str = KEY, **headers: str) -> httpx.Response:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = json.dumps({"name": "x"} if body is None else body)
        given = {"authorization": f"Bearer {key}", "content-type": "application/json", **named}
        return http_client.post(gateway_server.url + path, content=content, headers=given)

    return posted
