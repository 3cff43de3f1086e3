"""The template with Authorizer=JWT: the emulated API Gateway asks an issuer for its keys, and judges tokens by them."""

from __future__ import annotations

import io
import json
import socket
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from openai import AuthenticationError, OpenAI

from tests.fakes.token_issuer import DISCOVERY, KEYS, TokenIssuer, made_key
from tests.harnesses.aws_deployment import deploy
from tests.harnesses.aws_stack import REGION
from tools.smoke.__main__ import main as smoke
from vectorgate.client.cli.main import main
from vectorgate.client.cli.session import RunEnvironment

if TYPE_CHECKING:
    from tests.fakes.faulty_proxy import FaultyProxy
    from tests.harnesses.aws_stack import Emulator, Stack

pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive, pytest.mark.timeout(360)]  # a stack of its own takes a minute

NAME: Final = "tokens"
HEADER: Final = "X-Who"


@pytest.fixture(scope="module")
def behind(aws: Emulator, proxy: FaultyProxy, issuer: TokenIssuer) -> Stack:
    """A stack whose API asks for tokens."""
    asked = {"JwtIssuer": issuer.url, "JwtAudience": "other,gateway", "JwtHeader": HEADER}
    return deploy(aws, proxy.url, NAME, Authorizer="JWT", StreamingUrl="off", **asked)


@pytest.fixture(autouse=True)
def caller(aws: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS is the emulated one, and its hosts are on loopback."""
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test", "ENDPOINT_URL": aws.url}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    found = socket.getaddrinfo

    def on_loopback(host: Any, port: Any, *more: Any, **given: Any) -> Any:
        return found("127.0.0.1" if ".execute-api." in str(host) else host, port, *more, **given)

    monkeypatch.setattr(socket, "getaddrinfo", on_loopback)


def ran(*line: str) -> tuple[int, Any]:
    """The exit code and the document of a command."""
    out = io.StringIO()
    code = main([*line, "--json"], RunEnvironment(out=out))
    return code, json.loads(out.getvalue() or "null")


def created(behind: Stack, key: str, token: str | None) -> str:
    """The id of a store that OpenAI's client makes with this token."""
    headers = {HEADER: token} if token is not None else {}
    with OpenAI(base_url=f"{behind.outputs['Url']}/v1", api_key=key, max_retries=0, default_headers=headers) as client:
        return client.vector_stores.create(name="behind a token").id


def test_openai_s_client_and_the_commands_pass_with_a_token_and_the_key_still_decides(
    behind: Stack, issuer: TokenIssuer
) -> None:
    at = ["--stack", NAME, "--region", REGION, "--token", issuer.token()]
    code, key = ran("keys", "create", "--team", "red", "--create-team", *at)
    assert code == 0
    store = created(behind, key["key"], issuer.token(groups=["a", "b"]))
    assert {DISCOVERY, KEYS} <= set(issuer.asked)
    code, found = ran("stores", "info", store, *at)
    assert (code, found["team_id"]) == (0, "red")
    with pytest.raises(AuthenticationError) as error:
        created(behind, "sk-none", issuer.token())
    assert error.value.code == "invalid_api_key"
    _, found = ran("doctor", *at)
    results = {each["check"]: each["result"] for each in found}
    assert {results[name] for name in ("route", "table", "prices", "key")} == {"ok"}
    assert ran("keys", "list", *at[:4])[0] == 2


def test_without_a_valid_token_no_function_is_invoked(behind: Stack, issuer: TokenIssuer) -> None:
    assert httpx.get(behind.outputs["Url"] + "/ui", headers={HEADER: issuer.token()}, timeout=60).status_code == 200
    before = invocations(behind)
    assert before
    bad = {
        "none": None,
        "expired": issuer.token(exp=1),
        "of another audience": issuer.token(aud="elsewhere"),
        "signed by another": issuer.token(key=made_key()),
        "unsigned": issuer.token(algorithm="none"),
    }
    for name, token in bad.items():
        headers = {"Authorization": f"Bearer {behind.master_key}"} | ({HEADER: token} if token else {})
        for path in ("/v1/vector_stores", "/key/list", "/health/liveliness", "/ui"):
            answer = httpx.get(behind.outputs["Url"] + path, headers=headers, timeout=60)
            assert (answer.status_code, answer.json()) == (401, {"message": "Unauthorized"}), (name, path)
        with pytest.raises(AuthenticationError, match="Unauthorized"):
            created(behind, behind.master_key, token)
    assert invocations(behind) == before


def invocations(behind: Stack) -> int:
    """The events in the logs of the functions behind the API, which have some for each invocation."""
    logs, groups = behind.aws.client("logs"), [behind.outputs[name] for name in ("ApiFunction", "AdminFunction")]
    pages = logs.get_paginator("filter_log_events")
    return sum(len(page["events"]) for name in groups for page in pages.paginate(logGroupName=f"/aws/lambda/{name}"))


def test_smoke_sends_the_token(
    behind: Stack, issuer: TokenIssuer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    at = ["--region", REGION, "--endpoint", behind.aws.url, "--token", issuer.token()]
    status, said = smoke([NAME, *at]), capsys.readouterr().out
    assert (status, "are refused: JWT: 9 calls" in said) == (0, True), said
