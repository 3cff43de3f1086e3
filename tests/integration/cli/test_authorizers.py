"""`vectorgate doctor` and the smoke run past what API Gateway asks for before the virtual key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

import pytest
from moto import mock_aws

from tests.factories.secrets import MASTER_KEY, PROVIDER_KEY
from tests.fakes.authorizing_front import authorizing, signature_of, token_of
from tests.integration.cli import stack
from tests.integration.cli.conftest import run
from tools.smoke import target as smoke
from vectorgate.client.authorizers import authorizer_of
from vectorgate.client.client import Client
from vectorgate.client.errors import PermissionDeniedError
from vectorgate.client.lambda_signer import ApiSigner

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harnesses.gateway import GatewayHarness, GatewayServer
    from tests.integration.cli.conftest import Ran

JWT: Final = {"Authorizer": "JWT", "JwtIssuer": "https://login.example.com", "JwtHeader": "X-Who"}
IAM: Final = {"Authorizer": "AWS_IAM"}
DOCTOR: Final = f"doctor --stack {stack.STACK} --region {stack.REGION} --json"


@pytest.fixture(autouse=True)
def caller(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS credentials, and no gateway in the environment."""
    for name in ("VECTORGATE_BASE_URL", "VECTORGATE_API_KEY", "VECTORGATE_FUNCTION", "VECTORGATE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    mine = {"AWS_ACCESS_KEY_ID": "AKIACALLER", "AWS_SECRET_ACCESS_KEY": "secret", "NO_PROXY": "*"}
    with mock_aws(), monkeypatch.context() as within:  # moto has credentials of its own
        for name, value in mine.items():
            within.setenv(name, value)
        yield


def asked(parameters: dict[str, str]) -> Any:
    """What the front of a stack with these parameters asks for."""
    if parameters == IAM:
        return signature_of("AKIACALLER", "secret", stack.REGION)
    return token_of(JWT["JwtHeader"], "eyJ0")


def examined(parameters: dict[str, str], url: str, options: str = "") -> Ran:
    """A run of the doctor at a stack with these parameters, whose gateway is at this URL."""
    deployed = stack.deploy(url)
    deployed.parameters |= parameters
    run("providers set openai", given=PROVIDER_KEY, aws=lambda _: deployed)
    return run(f"{DOCTOR} {options}", aws=lambda _: deployed, wall=time.time)


@pytest.mark.parametrize(("parameters", "options"), [(IAM, ""), (JWT, "--token eyJ0")])
def test_the_doctor_s_calls_have_what_the_stack_s_authorizer_asks_for(
    gateway_server: GatewayServer, harness: GatewayHarness, parameters: dict[str, str], options: str
) -> None:
    harness.openai.stores.clear()
    with authorizing(gateway_server.url, asked(parameters)) as url:
        ran = examined(parameters, url, options)
    found = {each["check"]: each["result"] for each in ran.json}
    assert {found[name] for name in ("route", "table", "secrets", "prices", "key", "provider: stores")} == {"ok"}


def test_without_a_token_or_a_stack_the_doctor_says_what_is_asked_for(gateway_server: GatewayServer) -> None:
    with authorizing(gateway_server.url, asked(JWT)) as url:
        ran = examined(JWT, url)
        (route,) = [each for each in ran.json if each["check"] == "route"]
        assert (route["result"], "VECTORGATE_TOKEN" in route["found"]) == ("skipped", True)
        outside = run(f"doctor --json --url {url} --key {MASTER_KEY}", wall=time.time)
        assert (outside.json[0]["result"], "--token" in outside.json[0]["advice"]) == ("failed", True)


def test_a_signature_covers_a_change_a_query_and_an_upload_and_no_other_caller_has_it(
    gateway_server: GatewayServer, harness: GatewayHarness
) -> None:
    key = harness.key("sk-red", team="red")
    auth = authorizer_of(IAM, None, lambda: ApiSigner(stack.REGION))
    with (
        authorizing(gateway_server.url, asked(IAM)) as url,
        Client(base_url=url, api_key=key, auth=auth) as client,
    ):
        made = client.vector_stores.create(name="naïve store", metadata={"a": "b c"})
        assert client.vector_stores.retrieve(made.id).name == "naïve store"
        assert client.files.create(file=("a b.txt", b"text"), purpose="assistants").id.startswith("file-")
        assert client.vector_stores.list(order="asc", extra_query={"note": "a b+c/ä"}).data
        elsewhere = authorizer_of(IAM, None, lambda: ApiSigner("us-east-1"))
        with Client(base_url=url, api_key=key, auth=elsewhere) as other, pytest.raises(PermissionDeniedError):
            other.vector_stores.list()


@pytest.mark.parametrize(("parameters", "token"), [(IAM, None), (JWT, "eyJ0")])
def test_the_smoke_run_s_calls_have_what_the_stack_s_authorizer_asks_for(
    gateway_server: GatewayServer,
    harness: GatewayHarness,
    monkeypatch: pytest.MonkeyPatch,
    parameters: dict[str, str],
    token: str | None,
) -> None:
    with authorizing(gateway_server.url, asked(parameters)) as url:
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]
        described = {
            "StackId": f"arn:aws:cloudformation:{stack.REGION}:123456789012:stack/vectorgate/1",
            "Outputs": [{"OutputKey": "Url", "OutputValue": url}],
            "Parameters": given,
        }
        monkeypatch.setattr(smoke, "_stack", lambda *_: described)
        smoke._http.cache_clear()
        smoke._release.cache_clear()
        target = smoke.Target(f"vectorgate-{token}", None, None, "run", token=token)
        assert target.ask("GET", "/key/list?size=1", MASTER_KEY)[0] == 200
        assert target.ask("POST", "/key/generate", MASTER_KEY, {"team_id": "r", "create_team": True})[0] == 200
        assert target.ask("GET", "/v1/vector_stores", None)[0] == 401
        client = target.client(harness.key("sk-red", team="red"))
        assert client.vector_stores.create(name="by openai's client").id
        assert client.files.create(file=("tides.txt", b"The tide."), purpose="assistants").id
        assert target.ask_bare("/key/list", {"Authorization": f"Bearer {MASTER_KEY}"})[0] == 403
        target.http.close()
