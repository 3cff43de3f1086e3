"""A store's answer names the price that its storage is charged at."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.harnesses.gateway import GatewayHarness
from vectorgate.api.http import Body, Request
from vectorgate.pricing.book import STORAGE, Price, PriceBook, shipped_prices
from vectorgate.pricing.money import NanoUSD

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

HEADER = "x-vectorgate-storage-usd-per-gib-day"
OWN = Price(id="own", provider="openai", operations=(STORAGE,), from_ms=0, source="a test")


@pytest.fixture
def harness() -> Iterator[GatewayHarness]:
    with GatewayHarness() as harness:
        harness.key("sk-stores")
        yield harness


def headers_of(harness: GatewayHarness, method: str, path: str) -> Mapping[str, str]:
    headers = {"content-type": "application/json", "authorization": "Bearer sk-stores"}
    body = Body.of(b"{}" if method == "POST" else b"")
    return harness.gateway.handle(Request(method=method, path=path, headers=headers, body=body)).headers


def test_every_answer_with_one_store_names_the_price_of_this_gateway(harness: GatewayHarness) -> None:
    assert headers_of(harness, "POST", "/v1/vector_stores")[HEADER] == "0.1"
    (store,) = harness.openai.stores
    own = replace(OWN, per_gib_day=NanoUSD(123_456_789))
    harness.gateway = harness.build(PriceBook(shipped_prices(), [own]))
    assert headers_of(harness, "GET", f"/v1/vector_stores/{store}")[HEADER] == "0.123456789"
    assert headers_of(harness, "POST", f"/v1/vector_stores/{store}")[HEADER] == "0.123456789"


def test_other_answers_do_not(harness: GatewayHarness) -> None:
    for path in ("/v1/vector_stores", "/v1/files", "/v1/vector_stores/vs_none"):
        assert HEADER not in headers_of(harness, "GET", path)


def test_a_book_without_a_price_of_storage_answers_all_the_same(harness: GatewayHarness) -> None:
    harness.gateway = harness.build(PriceBook(price for price in shipped_prices() if STORAGE not in price.operations))
    headers = headers_of(harness, "POST", "/v1/vector_stores")
    assert HEADER not in headers
    assert headers["x-litellm-response-cost"] == "0"
