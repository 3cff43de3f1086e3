"""A gateway with Azure behind it, and an index with a key for it."""

from __future__ import annotations

import pytest

from tests.factories.azure_search_requests import DEFINITION
from tests.harnesses.azure import READ, REAL, WRITE, AzureGatewayHarness


@pytest.fixture(scope="session")
def harness_type() -> type[AzureGatewayHarness]:
    """The class of `harness`."""
    return AzureGatewayHarness


@pytest.fixture
def key(harness: AzureGatewayHarness) -> str:
    """The secret of a key that may read and write a virtual index."""
    harness.index()
    return harness.index_key("sk-both-ways", READ, WRITE)


@pytest.fixture
def made(harness: AzureGatewayHarness, key: str) -> str:
    """The same key; the index exists at the service, with one document."""
    harness.azure_search.indexes[REAL] = {
        "definition": {**DEFINITION, "name": REAL},
        "docs": {"1": {"id": "1", "name": REAL}},
    }
    return key
