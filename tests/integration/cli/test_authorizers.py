"""`vectorgate doctor` and the smoke run past what API Gateway asks for before the virtual key."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pytest
from moto import mock_aws

from tests.factories.secrets import MASTER_KEY, PROVIDER_KEY
from tests.fakes.authorizing_front import authorizing, signature_of
from tests.integration.cli import stack
from tests.integration.cli.conftest import run
from tools.smoke import target as smoke
from vectorgate.client.authorizers import AwsSignature
from vectorgate.client.client import Client
from vectorgate.client.errors import PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.fakes.http_api import HttpApi
    from tests.fakes.token_issuer import TokenIssuer
    from tests.harnesses.gateway import GatewayHarness, GatewayServer
    from tests.integration.cli.conftest import Ran

IAM: Final = {"Authorizer": "AWS_IAM"}
DOCTOR: Final = f"doctor --stack {stack.STACK} --region {stack.REGION} --json"


@dataclass(frozen=True, slots=True)
class Front:
    """What stands before the gateway of a stack with these parameters. `token`: what a caller needs for it."""

    parameters: Mapping[str, str]
    url: str
    token: str | None


@pytest.fixture(autouse=True)
def caller(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS credentials, and no gateway in the environment."""
    for name in ("BASE_URL", "API_KEY", "FUNCTION", "AUTHORIZER", "TOKEN", "TOKEN_HEADER"):
        monkeypatch.delenv(f"VECTORGATE_{name}", raising=False)
    mine = {"AWS_ACCESS_KEY_ID": "AKIACALLER", "AWS_SECRET_ACCESS_KEY": "secret", "NO_PROXY": "*"}
    with mock_aws(), monkeypatch.context() as within:  # moto has credentials of its own
        for name, value in mine.items():
            within.setenv(name, value)
        yield


@pytest.fixture
def signatures(gateway_server: GatewayServer) -> Iterator[Front]:
    """The front of a stack that asks for signatures."""
    with authorizing(gateway_server.url, signature_of("AKIACALLER", "secret", stack.REGION)) as url:
        yield Front(IAM, url, None)


@pytest.fixture
def tokens(token_api: HttpApi, issuer: TokenIssuer) -> Front:
    """The front of a stack that asks for tokens."""
    return Front(token_api.parameters, token_api.url, issuer.token())


@pytest.fixture(params=["signatures", "tokens"])
def front(request: pytest.FixtureRequest) -> Front:
    """Each of them."""
    found: Front = request.getfixturevalue(request.param)
    return found


def examined(front: Front, options: str = "") -> Ran:
    """A run of the doctor at the stack."""
    deployed = stack.deploy(front.url)
    deployed.parameters |= front.parameters
    run("providers set openai", given=PROVIDER_KEY, aws=lambda _: deployed)
    return run(f"{DOCTOR} {options}", aws=lambda _: deployed, wall=time.time)


def test_the_doctor_s_calls_have_what_the_stack_s_authorizer_asks_for(front: Front, harness: GatewayHarness) -> None:
    harness.openai.stores.clear()
    ran = examined(front, f"--token {front.token}" if front.token else "")
    found = {each["check"]: each["result"] for each in ran.json}
    assert {found[name] for name in ("route", "table", "secrets", "prices", "key", "provider: stores")} == {"ok"}


def test_without_a_token_or_a_stack_the_doctor_says_what_is_asked_for(tokens: Front) -> None:
    (route,) = [each for each in examined(tokens).json if each["check"] == "route"]
    assert (route["result"], "VECTORGATE_TOKEN" in route["found"]) == ("skipped", True)
    outside = run(f"doctor --json --url {tokens.url} --key {MASTER_KEY}", wall=time.time)
    assert (outside.json[0]["result"], "--token" in outside.json[0]["advice"]) == ("failed", True)


def test_a_signature_covers_a_change_a_query_and_an_upload_and_no_other_caller_has_it(
    signatures: Front, harness: GatewayHarness
) -> None:
    key = harness.key("sk-red", team="red")
    with Client(base_url=signatures.url, api_key=key, auth=AwsSignature(stack.REGION)) as client:
        made = client.vector_stores.create(name="naïve store", metadata={"a": "b c"})
        assert client.vector_stores.retrieve(made.id).name == "naïve store"
        assert client.files.create(file=("a b.txt", b"text"), purpose="assistants").id.startswith("file-")
        assert client.vector_stores.list(order="asc", extra_query={"note": "a b+c/ä"}).data
    with (
        Client(base_url=signatures.url, api_key=key, auth=AwsSignature("us-east-1")) as other,
        pytest.raises(PermissionDeniedError),
    ):
        other.vector_stores.list()


def test_the_smoke_run_s_calls_have_what_the_stack_s_authorizer_asks_for(
    front: Front, harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    described = {
        "StackId": f"arn:aws:cloudformation:{stack.REGION}:123456789012:stack/vectorgate/1",
        "Outputs": [{"OutputKey": "Url", "OutputValue": front.url}],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in front.parameters.items()],
    }
    smoke.forget()
    monkeypatch.setattr(smoke, "_stack", lambda *_: described)
    target = smoke.Target(f"vectorgate-{front.token}", None, None, "run", token=front.token)
    assert target.ask("GET", "/key/list?size=1", MASTER_KEY)[0] == 200
    assert target.ask("POST", "/key/generate", MASTER_KEY, {"team_id": "r", "create_team": True})[0] == 200
    assert target.ask("GET", "/v1/vector_stores", None)[0] == 401
    client = target.client(harness.key("sk-red", team="red"))
    assert client.vector_stores.create(name="by openai's client").id
    assert client.files.create(file=("tides.txt", b"The tide."), purpose="assistants").id
    assert target.ask_bare("/key/list", {"Authorization": f"Bearer {MASTER_KEY}"})[0] in {401, 403}
    target.http.close()
