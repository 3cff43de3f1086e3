"""The admin app over every engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from tests.contract.backends import MotoBackend
from tests.harnesses.admin import AdminHarness
from vectorgate.persistence.dynamodb import stores_of
from vectorgate.persistence.sqlite import open_stores

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["sqlite", "dynamodb-moto"])
def admin(request: pytest.FixtureRequest) -> Iterator[AdminHarness]:
    """Every engine in turn, empty."""
    if request.param == "sqlite":
        stores = open_stores()
        yield AdminHarness(stores)
        stores.close()
    else:
        with mock_aws():
            yield AdminHarness(stores_of(MotoBackend().table))
