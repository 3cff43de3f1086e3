"""Clients of two tenants, whose keys may use every model, and the stream function that serves the same gateway."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.lambda_runtime import FakeRuntimeApi
from tests.harnesses.stream_function import start
from vectorgate.entrypoints.stream import StreamFunction

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from openai import OpenAI

    from tests.fakes.lambda_runtime import Invocation
    from tests.harnesses.gateway import Connect, GatewayHarness
    from vectorgate.entrypoints.runtime.loop import Function

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


@pytest.fixture
def lambda_api(harness: GatewayHarness) -> Iterator[FakeRuntimeApi]:
    """Lambda's Runtime API."""
    with FakeRuntimeApi(harness.deps.clock.unix_ms()) as api:
        yield api


@pytest.fixture
def traces() -> list[str | None]:
    """The trace of each invocation that the loop has begun."""
    return []


@pytest.fixture
def run(
    harness: GatewayHarness, red: OpenAI, lambda_api: FakeRuntimeApi, traces: list[str | None]
) -> Callable[[Function], None]:
    """Run the loop over a function."""
    del red  # which adds the key
    return lambda function: start(function, lambda_api, harness, traces.append)


@pytest.fixture
def invoke(
    harness: GatewayHarness, lambda_api: FakeRuntimeApi, run: Callable[[Function], None]
) -> Callable[..., Invocation]:
    """Run the loop over the gateway, and give a function that invokes it."""
    run(StreamFunction(lambda: harness.gateway))
    return lambda_api.invoke
