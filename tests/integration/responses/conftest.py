"""Clients of two tenants, whose keys may use every model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from openai import OpenAI

    from tests.harnesses.gateway import Connect, GatewayHarness

RED, BLUE = "sk-red-responses", "sk-blue-responses"


@pytest.fixture
def red(harness: GatewayHarness, connect: Connect) -> OpenAI:
    """A client of team red."""
    harness.key(RED, team="red", models=("*",))
    harness.key(BLUE, team="blue", models=("*",))
    return connect(RED)


@pytest.fixture
def blue(red: OpenAI, connect: Connect) -> OpenAI:
    """A client of team blue."""
    del red  # which adds the keys
    return connect(BLUE)


@pytest.fixture
def store(red: OpenAI) -> str:
    """A store of team red."""
    return red.vector_stores.create(name="handbook").id
