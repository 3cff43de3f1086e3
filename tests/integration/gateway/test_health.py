"""LiteLLM's probes for load balancers: no key, no record, and no value of what they look at."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from vectorgate.api.http import Request
from vectorgate.pricing.book import PriceBook
from vectorgate.providers.credentials import Credentials
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from tests.harnesses.gateway import GatewayHarness
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ids import KeyId

READY = {"status": "healthy", "db": "connected", "secrets": "readable", "prices": "loaded"}


def probed(gateway: Gateway, path: str = "/health/readiness", method: str = "GET") -> tuple[int, Any]:
    """The answer to a probe, which has no key."""
    response = gateway.handle(Request(method=method, path=path, headers={}))
    return response.status, json.loads(response.read_body())


@pytest.mark.parametrize("path", ["/health/liveliness", "/health/liveness", "/health/liveliness/"])
def test_a_process_that_answers_is_alive_also_without_its_table(harness: GatewayHarness, path: str) -> None:
    harness.stores.close()
    assert probed(harness.gateway, path) == (200, "I'm alive!")


def test_it_is_ready_where_table_secrets_and_prices_can_be_used_and_leaves_no_record(harness: GatewayHarness) -> None:
    assert probed(harness.gateway) == (200, READY)
    assert probed(harness.gateway, "/health/readiness/") == (200, READY)
    assert harness.rows() == []


class Unreachable:
    """KeyReader of a table that does not answer."""

    def key(self, _: KeyId) -> VirtualKey | None:
        raise StoreUnavailable("a table at an address that only the log names")


def test_it_is_not_ready_without_its_table_its_secrets_or_its_prices(harness: GatewayHarness) -> None:
    no_table = harness.build(stores=replace(harness.stores, keys=Unreachable()))  # type: ignore[arg-type]
    assert probed(no_table) == (503, READY | {"status": "unhealthy", "db": "Not connected"})
    harness.secret_source.text = None
    clock = harness.deps.clock
    no_secret = harness.build(credentials=Credentials(harness.secret_source, harness.secrets, clock, plain_http=True))
    assert probed(no_secret) == (503, READY | {"status": "unhealthy", "secrets": "not readable"})
    assert probed(harness.build(book=PriceBook([]))) == (503, READY | {"status": "unhealthy", "prices": "missing"})


def test_a_flood_of_probes_costs_one_read_in_five_seconds(harness: GatewayHarness) -> None:
    reads = []

    class Counted:
        def key(self, key_id: KeyId) -> VirtualKey | None:
            reads.append(key_id)
            return harness.stores.keys.key(key_id)

    gateway = harness.build(stores=replace(harness.stores, keys=Counted()))  # type: ignore[arg-type]
    for _ in range(1_000):
        assert probed(gateway)[0] == 200
    assert (len(reads), harness.secret_source.readings) == (1, 1)


@pytest.mark.parametrize(("method", "path"), [("POST", "/health/readiness"), ("GET", "/health"), ("GET", "/health/x")])
def test_every_other_path_needs_a_key(harness: GatewayHarness, method: str, path: str) -> None:
    assert probed(harness.gateway, path, method)[0] == 401
