"""Every command that calls a gateway, past what API Gateway asks for before the virtual key."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, Final

import httpx
import pytest
from moto import mock_aws

import vectorgate
from tests.factories.secrets import PROVIDER_KEY
from tests.fakes.authorizing_front import authorizing, signature_of
from tests.fakes.openai import store_document
from tests.integration.cli import stack
from tests.integration.cli.stack import REGION, STACK
from tests.integration.cli.test_help import commands
from vectorgate.client.cli.main import root

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from tests.fakes.http_api import HttpApi
    from tests.fakes.token_issuer import TokenIssuer
    from tests.harnesses.gateway import GatewayHarness, GatewayServer
    from tests.integration.cli.conftest import Run

    Ingest = Callable[[str], int]

# Those that call no gateway, but AWS, or a process of a clone; and one with a parser of its own.
OTHERS: Final = {"providers list", "providers set", "demo", "completion", "ingest"}
# Each command in an order in which it has something to act on, and its exit code where that is not 0.
LINES: Final = {
    "teams create red": 0,
    "teams create blue": 0,
    "teams info red": 0,
    "teams list": 0,
    "teams update red --budget 800": 0,
    "teams block red": 0,
    "teams unblock red": 0,
    "users create ada": 0,
    "users info ada": 0,
    "users list": 0,
    "users update ada --budget 80": 0,
    "users delete ada --yes": 0,
    "customers create ann": 0,
    "customers info ann": 0,
    "customers list": 0,
    "customers update ann --budget 10": 0,
    "customers block ann": 0,
    "customers unblock ann": 0,
    "keys create --team red --alias ci": 0,
    "keys info ci": 0,
    "keys list --team red": 0,
    "keys update ci --budget 100": 0,
    "keys block ci": 0,
    "keys unblock ci": 0,
    "keys rotate ci --grace 24h": 0,
    "keys delete ci --yes": 0,
    "stores unowned --name 'docs *+ä'": 0,
    "stores adopt --team red --all --yes": 0,
    "stores list --team red": 0,
    "stores info vs_a": 0,
    "stores share vs_a --team blue --permission read": 0,
    "stores shares vs_a": 0,
    "stores transfer vs_a --team blue --yes": 0,
    "stores idle --days 30": 0,
    "stores delete vs_a --yes": 0,
    "teams delete blue --yes": 0,
    "spend --by team": 0,
    "usage searches": 0,
    "usage storage": 0,
    "usage tokens": 0,
    "logs --limit 1": 0,
    "audit --limit 1": 0,
    "exports dead-letters": 0,
    "exports retry x": 1,  # there is no such queue
    "exports drop x --yes": 1,
    "exports test webhook": 1,  # none is configured
    "reconcile": 5,  # nothing was compared yet
    "doctor": 0,
}


REFUSED: Final = ("teams create red", "teams list", "customers info ann", "keys delete ci --yes", "spend --by team")


@pytest.fixture
def before(vectorgate: Run, harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The commands, where a store at the provider is no team's, and nothing says what stands before the gateway."""
    harness.openai.stores["vs_a"] = store_document("vs_a", name="docs-a", usage_bytes=1)
    for name in ("AUTHORIZER", "TOKEN", "TOKEN_HEADER"):
        monkeypatch.delenv(f"VECTORGATE_{name}", raising=False)
    for name, value in {"ACCESS_KEY_ID": "AKIACALLER", "SECRET_ACCESS_KEY": "secret", "DEFAULT_REGION": REGION}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return vectorgate


@pytest.fixture
def signing_front(before: Run, gateway_server: GatewayServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """API Gateway with Authorizer=AWS_IAM, which the environment of these commands names."""
    assert before
    with authorizing(gateway_server.url, signature_of("AKIACALLER", "secret", REGION)) as url:
        monkeypatch.setenv("VECTORGATE_BASE_URL", url)
        yield url


def codes(run: Run, options: str, lines: Iterable[str] = LINES) -> dict[str, int]:
    """The exit code of each command with these options."""
    found = {}
    for line in lines:
        clock: dict[str, Any] = {"wall": time.time} if line == "doctor" else {}  # the server's dates are the machine's
        found[line] = run(f"{line} --json {options}", **clock).code
    return found


def test_the_lines_are_of_every_command_that_calls_a_gateway() -> None:
    paths = {" ".join(path) for path, _ in commands(root)} - OTHERS
    assert {path for path in paths for line in LINES if f"{line} ".startswith(f"{path} ")} == paths


def test_every_command_sends_the_token_and_is_refused_without_it(
    before: Run, token_api: HttpApi, issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VECTORGATE_BASE_URL", token_api.url)
    for options in ("", "--authorizer AWS_IAM"):
        assert set(codes(before, options, REFUSED).values()) == {4}
    assert token_api.invoked == []
    assert "Unauthorized (by what stands before the gateway: see --stack, --auth" in before("keys list").err
    assert codes(before, f"--token {issuer.token()} --token-header X-Who") == LINES


@pytest.mark.usefixtures("signing_front")
@pytest.mark.parametrize(
    "lines",
    [
        ("teams create red", "stores unowned --name 'docs *+ä'", "teams delete red --yes", "doctor"),
        pytest.param(LINES, marks=pytest.mark.exhaustive),
    ],  # 20 ms each to find the credentials
    ids=["one of each method", "every one"],
)
def test_a_command_signs_and_is_refused_without_a_signature(before: Run, lines: Iterable[str]) -> None:
    assert set(codes(before, "", REFUSED[:2]).values()) == {4}
    assert codes(before, "--authorizer AWS_IAM", lines) == {line: LINES.get(line, 0) for line in lines}


def test_the_environment_says_what_stands_before_the_gateway(
    before: Run, signing_front: str, token_api: HttpApi, issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VECTORGATE_AUTHORIZER", "AWS_IAM")
    assert before("keys list").code == 0
    assert before("keys list --region us-east-1").code == 4
    assert before(f"keys list --url {signing_front} --authorizer NONE").code == 4
    monkeypatch.setenv("VECTORGATE_AUTHORIZER", "")
    monkeypatch.setenv("VECTORGATE_TOKEN", issuer.token())
    monkeypatch.setenv("VECTORGATE_TOKEN_HEADER", "X-Who")
    assert before(f"keys list --url {token_api.url}").code == 0
    monkeypatch.setenv("VECTORGATE_TOKEN", "")
    missing = before("keys list --authorizer JWT")
    assert (missing.code, "VECTORGATE_TOKEN" in missing.err) == (2, True)
    monkeypatch.setenv("VECTORGATE_AUTHORIZER", "COGNITO")
    assert before("keys list").code == 2


@pytest.fixture
def ingest(before: Run, harness: GatewayHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ingest:
    """The exit code of a folder's ingestion with these options."""
    monkeypatch.setenv("VECTORGATE_API_KEY", harness.key("sk-red", team="red"))
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a b.md").write_text("The tide.")
    return lambda options: before(f"ingest {tmp_path}/docs --store {options}").code


@pytest.mark.usefixtures("signing_front")
def test_a_folder_is_ingested_with_signatures(
    ingest: Ingest, harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (ingest("A"), ingest(f"A --authorizer AWS_IAM --region {REGION}")) == (2, 0)
    assert {row.team_id for row in harness.rows()} == {"red"}
    monkeypatch.setenv("VECTORGATE_AUTHORIZER", "COGNITO")
    assert ingest("A") == 2


def test_a_folder_is_ingested_with_a_token_of_which_a_provider_is_sent_nothing(
    ingest: Ingest,
    harness: GatewayHarness,
    token_api: HttpApi,
    issuer: TokenIssuer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VECTORGATE_BASE_URL", token_api.url)
    monkeypatch.setenv("VECTORGATE_TOKEN", issuer.token())
    assert (ingest("B"), ingest("B --token-header X-Who")) == (2, 0)
    monkeypatch.delenv("VECTORGATE_BASE_URL")
    monkeypatch.setenv("OPENAI_BASE_URL", harness.upstream.url)
    monkeypatch.setenv("OPENAI_API_KEY", PROVIDER_KEY)
    assert ingest("C --direct") == 0
    assert not [each for each in harness.upstream.received if {"x-identity-token", "x-who"} & each.headers.keys()]


def test_a_stack_names_url_key_and_what_stands_before_it(
    before: Run, token_api: HttpApi, issuer: TokenIssuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VECTORGATE_BASE_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("VECTORGATE_API_KEY", "sk-of-another")
    with mock_aws():
        deployed = stack.deploy(token_api.url)
        deployed.parameters |= token_api.parameters
        line = f"keys list --stack {STACK} --region {REGION}"
        assert before(f"{line} --token {issuer.token()}", aws=lambda _: deployed).code == 0
        assert before(f"{line} --token {issuer.token()} --key sk-none", aws=lambda _: deployed).code == 4
        missing = before(line, aws=lambda _: deployed)
        assert (missing.code, issuer.url in missing.err) == (2, True)
        assert before("keys list --stack none", aws=lambda _: deployed).code == 5


def test_a_signature_is_for_the_region_that_is_named_or_is_in_the_api_s_name(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"ACCESS_KEY_ID": "AKIACALLER", "SECRET_ACCESS_KEY": "secret"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    there, here = "https://a1.execute-api.us-west-2.amazonaws.com/v1/files", "https://ai.example.com/v1/files"
    places = {(None, there): "us-west-2", (REGION, there): REGION, (REGION, here): REGION}
    for (region, url), expected in places.items():
        signed = vectorgate.AwsSignature(region)(httpx.Request("GET", url))
        assert f"/{expected}/execute-api/aws4_request" in signed.headers["authorization"]
    with pytest.raises(vectorgate.SettingsError, match="name its region"):
        vectorgate.AwsSignature()(httpx.Request("GET", here))
