"""The admin app on SQLite, and by `make thorough` on DynamoDB. That they do the same is held by tests/contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from tests.harnesses.admin import AdminHarness
from tests.harnesses.store_backends import MotoBackend
from vectorgate.persistence.dynamodb import stores_of
from vectorgate.persistence.sqlite import open_stores

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(params=["sqlite", pytest.param("dynamodb-moto", marks=pytest.mark.exhaustive)])
def admin(request: pytest.FixtureRequest) -> Iterator[AdminHarness]:
    """Every engine in turn, empty."""
    if request.param == "sqlite":
        stores = open_stores()
        yield AdminHarness(stores)
        stores.close()
    else:
        with mock_aws():
            yield AdminHarness(stores_of(MotoBackend().table))
