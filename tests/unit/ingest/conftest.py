"""Ingestion in memory, without faults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harnesses.ingest import IngestHarness

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def harness() -> Iterator[IngestHarness]:
    """A new harness, without rows and objects."""
    made = IngestHarness()
    yield made
    made.close()
