"""One deployment for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.faulty_proxy import Between, between
from tests.harnesses.aws_stack import BUILT, Emulator, Stack, deploy, emulator, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where everything is that runs for these tests."""
    return tmp_path_factory.mktemp("e2e")


@pytest.fixture(scope="session")
def cloud(home: Path) -> Iterator[Emulator]:
    """The emulated AWS."""
    with emulator(home) as running:
        yield running


@pytest.fixture(scope="session")
def way(home: Path) -> Iterator[Between]:
    """The way to the provider, on which a test can have calls fail."""
    with upstream(home) as provider_url, between(provider_url) as made:
        yield made


@pytest.fixture(scope="session")
def stack(cloud: Emulator, way: Between) -> Stack:
    """template.yaml, deployed and provided for."""
    if not (BUILT / "CoreLayer").is_dir():
        pytest.fail("the layers are not built: run `make e2e`")
    return deploy(cloud, way.url)


@pytest.fixture(scope="session")
def key(stack: Stack) -> str:
    """A client's key, made by the administrator through the front door."""
    made = stack.ask("POST", "/key/generate", key=stack.master_key, body={"team_id": "red", "key_alias": "e2e"})
    assert made.status == 200, made
    return str(made.body["key"])
