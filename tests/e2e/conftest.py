"""One deployment for all tests of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes.faulty_proxy import FaultyProxy, run_proxy
from tests.fakes.token_issuer import TokenIssuer, issuing
from tests.harnesses.aws_deployment import deploy
from tests.harnesses.aws_stack import BUILT, Emulator, Stack, emulator, upstream

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the processes that run for these tests."""
    return tmp_path_factory.mktemp("e2e")


@pytest.fixture(scope="session")
def issuer(home: Path) -> Iterator[TokenIssuer]:
    """An issuer of tokens, for API Gateway to ask."""
    with issuing(home) as made:
        yield made


@pytest.fixture(scope="session")
def aws(home: Path, issuer: TokenIssuer) -> Iterator[Emulator]:
    """The emulated AWS. At the end: nothing that a function asked was denied to its role."""
    with emulator(home, trusts=issuer.certificate) as running:
        yield running
        assert running.denied() == set()


@pytest.fixture(scope="session")
def proxy(home: Path) -> Iterator[FaultyProxy]:
    """The proxy to the provider, by which a test can have calls fail."""
    with upstream(home) as provider_url, run_proxy(provider_url) as made:
        yield made


@pytest.fixture(scope="session")
def stack(aws: Emulator, proxy: FaultyProxy) -> Stack:
    """The deployed template."""
    if not (BUILT / "CoreLayer").is_dir():
        pytest.fail("the layers are not built: run `make e2e`")
    return deploy(aws, proxy.url)


@pytest.fixture(scope="session")
def key(stack: Stack) -> str:
    """A client's key, which the administrator generated through the API."""
    made = stack.ask(
        "POST", "/key/generate", key=stack.master_key, body={"team_id": "red", "create_team": True, "key_alias": "e2e"}
    )
    assert made.status == 200, made
    return str(made.body["key"])
