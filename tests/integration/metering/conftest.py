"""A meter over a provider and a ledger in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harnesses.meter import MeterHarness

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def metering() -> Iterator[MeterHarness]:
    """At midnight, without stores."""
    made = MeterHarness()
    yield made
    made.stores.close()
