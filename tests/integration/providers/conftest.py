"""A provider that a test scripts, and what is in front of it: the egress alone, or a gateway with one store."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

import pytest

from tests.fakes.upstream import FaultyUpstream, answer
from tests.harnesses.provider_faults import KEY, FaultHarness
from vectorgate.clock import Clock
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harnesses.gateway import Connect, GatewayHarness


@pytest.fixture
def system(harness: GatewayHarness, connect: Connect) -> FaultHarness:
    """The store is made, and forgotten by the provider's record of requests."""
    client = connect(harness.key(KEY))
    store = client.vector_stores.create(name="own").id
    harness.upstream.forget()
    harness.settle()
    harness.time.skip(1)
    return FaultHarness(harness, client, store)


LIMIT: Final = 3_000_000  # bytes of a file's content
CLOCK: Final = Clock(wall=time.time, monotonic=time.monotonic, sleep=time.sleep)


@pytest.fixture
def upstream() -> Iterator[FaultyUpstream]:
    """A provider that answers, unless a test says otherwise."""
    with FaultyUpstream(answer(200, {"for": "the next"})) as upstream:
        yield upstream


@pytest.fixture
def transport() -> Iterator[PooledTransport]:
    """The egress, with few bytes of content."""
    transport = PooledTransport(CLOCK, most_content=LIMIT)
    yield transport
    transport.close()
