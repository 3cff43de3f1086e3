"""How long a provider may take where requests do not come by API Gateway: a file has the time that its size needs."""

from __future__ import annotations

import time
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING

import openai
import pytest

from local.options import SETTINGS
from tests.fakes.upstream import answer, hang_up
from vectorgate.bootstrap import build_gateway
from vectorgate.idempotency.record import LEASE_MS
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    import socket

    from tests.fakes.upstream import Received
    from tests.harnesses.gateway import Connect, GatewayHarness

FILE = {
    "id": "file-1",
    "object": "file",
    "bytes": 1_000_000,
    "created_at": 1_772_600_767,
    "filename": "f",
    "purpose": "x",
}
STORE = {"id": "vs_1", "object": "vector_store", "created_at": 1_772_600_767, "name": "s"}


def slow(connection: socket.socket, received: Received) -> bool:
    """Answer after half a second: a file or a store."""
    time.sleep(0.5)
    return answer(200, FILE if received.path.endswith("/files") else STORE)(connection, received)


@pytest.fixture
def short(harness: GatewayHarness) -> GatewayHarness:
    """A gateway with 0.2 s for a provider's answer, and a second more for a megabyte."""
    harness.gateway = replace(harness.gateway, deadline_seconds=0.2, upload_bytes_per_second=1_000_000)
    harness.upstream.always(slow)
    return harness


def test_a_large_file_has_the_time_that_its_size_needs_and_other_calls_have_not(
    short: GatewayHarness, connect: Connect
) -> None:
    client = connect(short.key("sk-one"))
    assert client.files.create(file=("f", bytes(1_000_000)), purpose="user_data").id == "file-1"
    with pytest.raises(openai.InternalServerError) as timeout:
        client.vector_stores.create(name="s")
    assert timeout.value.status_code == 504


def test_a_call_that_may_take_long_says_so_in_its_row_until_it_is_over(short: GatewayHarness, connect: Connect) -> None:
    short.gateway = replace(short.gateway, deadline_seconds=40.0)
    short.upstream.always(hang_up)
    before_ms = short.deps.clock.unix_ms()
    with pytest.raises(openai.InternalServerError):
        connect(short.key("sk-one")).vector_stores.create(name="s")
    row = short.row()
    assert row.state is State.UNCERTAIN
    assert row.until_ms == row.ended_ms
    assert (row.ended_ms or 0) < before_ms + LEASE_MS


def test_local_mode_gives_a_provider_ten_minutes_and_a_file_of_512_mb_half_an_hour_more(
    harness: GatewayHarness,
) -> None:
    gateway = build_gateway(replace(SETTINGS, deadline_seconds=600.0), harness.deps)
    assert gateway.deadline_seconds == 600
    assert 512 * 1024 * 1024 / gateway.upload_bytes_per_second == pytest.approx(2048)
    assert build_gateway(harness.settings, harness.deps).deadline_seconds == 28


def test_what_a_request_has_waited_at_the_front_door_is_not_left_to_the_provider(harness: GatewayHarness) -> None:
    harness.upstream.always(slow)
    key = harness.key("sk-one")
    harness.gateway = replace(harness.gateway, deadline_seconds=10.0)
    event = {
        "rawPath": "/v1/vector_stores",
        "headers": {"authorization": f"Bearer {key}", "content-type": "application/json"},
        "requestContext": {"http": {"method": "POST"}, "timeEpoch": harness.time.clock().unix_ms() - 9_800},
        "body": '{"name": "x"}',
    }
    assert harness.api(event, None)["statusCode"] == 504
    event["requestContext"] = {"http": {"method": "POST"}}
    assert harness.api(event, None)["statusCode"] == 200
    little = SimpleNamespace(aws_request_id="a", get_remaining_time_in_millis=lambda: 1_200)
    assert harness.api(event, little)["statusCode"] == 504
