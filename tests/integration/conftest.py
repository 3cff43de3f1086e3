"""A gateway behind a socket, and clients of it. A directory that needs another harness overrides `harness_type`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx
import httpx2
import pytest
from openai import OpenAI

from tests.fakes.http_api import HttpApi
from tests.fakes.token_issuer import AUDIENCE, TokenIssuer, issuing
from tests.harnesses.gateway import Connect, GatewayHarness, GatewayServer
from vectorgate.providers.lost_create import LostCreate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.api.errors import OutcomeUnknown
    from vectorgate.providers.base import Answer


@pytest.fixture(scope="session")
def gateway_server() -> GatewayServer:
    """One server for the whole session."""
    return GatewayServer()


@pytest.fixture(scope="session")
def harness_type() -> type[GatewayHarness]:
    """The class of `harness`."""
    return GatewayHarness


@pytest.fixture
def harness(gateway_server: GatewayServer, harness_type: type[GatewayHarness]) -> Iterator[GatewayHarness]:
    """A new gateway without rows, behind the server."""
    with harness_type() as harness:
        gateway_server.harness = harness
        yield harness


@pytest.fixture(scope="session")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenIssuer]:
    """An issuer of tokens."""
    with issuing(tmp_path_factory.mktemp("issuer")) as made:
        yield made


@pytest.fixture(scope="session")
def one_token_api(issuer: TokenIssuer) -> HttpApi:
    """The HTTP API of a stack with Authorizer=JWT, served once for the whole session."""
    given = {"Authorizer": "JWT", "JwtIssuer": issuer.url, "JwtAudience": f"other,{AUDIENCE}", "JwtHeader": "X-Who"}
    return HttpApi(given, issuer.certificate)


@pytest.fixture
def token_api(one_token_api: HttpApi, harness: GatewayHarness) -> HttpApi:
    """The same before this test's gateway."""
    one_token_api.functions = {"Api": harness.api, "Admin": harness.admin}
    one_token_api.invoked.clear()
    return one_token_api


@pytest.fixture(scope="session")
def http_client() -> Iterator[httpx2.Client]:
    """Connections that all clients share: a pool of its own costs each test 30 ms of TLS set-up."""
    with httpx2.Client(timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def http(gateway_server: GatewayServer) -> Iterator[httpx.Client]:
    """Plain HTTP to the gateway, over connections that all tests share."""
    with httpx.Client(base_url=gateway_server.url, timeout=30) as client:
        yield client


@pytest.fixture
def only_the_sweep_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request finds out by itself what became of its create: as if the provider's list could not be read then."""

    def unread(_: LostCreate, lost: OutcomeUnknown) -> Answer:
        raise lost

    monkeypatch.setattr(LostCreate, "recovered", unread)


@pytest.fixture
def connect(gateway_server: GatewayServer, http_client: httpx2.Client) -> Connect:
    """A function that makes clients of the gateway."""

    def connected(key: str, *, max_retries: int = 0) -> OpenAI:
        base_url = f"{gateway_server.url}/v1"
        return OpenAI(base_url=base_url, api_key=key, max_retries=max_retries, http_client=http_client)

    return connected
