"""The engines that the suite runs on.

SQLite in memory, which differs from a file in its journal only, and a DynamoDB on which every write conflicts three
times before it is done are left to `make thorough`. Tests of transactions,
conditions and threads run once more in tests/e2e/test_contract.py, on the emulated AWS there.
With VECTORGATE_CONTRACT_ENDPOINT=http://127.0.0.1:<port> the whole suite also runs against the DynamoDB at that
endpoint (MiniStack, DynamoDB Local).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from moto import mock_aws

from tests.harnesses.conflicting_dynamodb import ConflictingBackend
from tests.harnesses.store_backends import Backend, MotoBackend, SqliteBackend, dynamo_at

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENDPOINT = os.environ.get("VECTORGATE_CONTRACT_ENDPOINT")
IN_MEMORY = pytest.param("sqlite-memory", marks=pytest.mark.exhaustive)
CONFLICTS = pytest.param("dynamodb-conflicts", marks=pytest.mark.exhaustive)
ENGINES = ["sqlite-file", "dynamodb-moto", *(["dynamodb-endpoint"] if ENDPOINT else [])]
DYNAMO_ENGINES = [engine for engine in ENGINES if engine.startswith("dynamodb")]


def _opened(engine: str, folder: Path, environment: pytest.MonkeyPatch) -> Iterator[Backend]:
    if engine == "dynamodb-moto":
        with mock_aws():
            yield MotoBackend()
    elif engine == "dynamodb-conflicts":
        with mock_aws():
            yield ConflictingBackend()
    elif engine == "dynamodb-endpoint" and ENDPOINT:
        with dynamo_at(ENDPOINT, environment) as backend:
            yield backend
    else:
        sqlite = SqliteBackend(":memory:" if engine == "sqlite-memory" else str(folder / "stores.db"))
        yield sqlite
        sqlite.database.close()


@pytest.fixture(params=[*ENGINES, IN_MEMORY, CONFLICTS])
def stores(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    """Each engine in turn, without rows."""
    yield from _opened(request.param, tmp_path, monkeypatch)


@pytest.fixture(params=DYNAMO_ENGINES)
def dynamo(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    """Each engine that is a DynamoDB, without rows."""
    yield from _opened(request.param, tmp_path, monkeypatch)


@pytest.fixture(params=[*DYNAMO_ENGINES, CONFLICTS])
def contended(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    """Each engine that is a DynamoDB, also that on which writes conflict."""
    yield from _opened(request.param, tmp_path, monkeypatch)


@pytest.fixture
def sqlite() -> Iterator[SqliteBackend]:
    """SQLite in memory, without rows."""
    backend = SqliteBackend(":memory:")
    yield backend
    backend.database.close()
