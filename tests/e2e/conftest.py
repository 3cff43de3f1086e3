"""One deployment for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.aws import BUILT, Stack, deploy, emulator, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """template.yaml, deployed and provided for."""
    if not (BUILT / "CoreLayer").is_dir():
        pytest.fail("the layers are not built: run `make e2e`")
    home: Path = tmp_path_factory.mktemp("e2e")
    with upstream(home) as provider_url, emulator(home) as cloud:
        yield deploy(cloud, provider_url)


@pytest.fixture(scope="session")
def key(stack: Stack) -> str:
    """A client's key, made by the administrator through the front door."""
    made = stack.ask("POST", "/key/generate", key=stack.master_key, body={"team_id": "red", "key_alias": "e2e"})
    assert made.status == 200, made
    return str(made.body["key"])
