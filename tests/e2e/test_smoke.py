"""`make smoke` on the deployed template; it notices what is broken, and leaves nothing behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.harnesses.aws_deployment import deploy
from tests.harnesses.aws_stack import REGION, STACK
from tools.smoke.__main__ import ALL, main

if TYPE_CHECKING:
    from tests.fakes.faulty_proxy import FaultyProxy
    from tests.harnesses.aws_stack import Emulator, Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(360)]  # a minute each


def smoke(stack: Stack, monkeypatch: pytest.MonkeyPatch, name: str = STACK, *options: str) -> int:
    """The exit status of a run."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return main([name, "--region", REGION, "--endpoint", stack.aws.url, *options])


def test_smoke_proves_the_deployed_stack_and_removes_what_it_made(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stores = {each.id for each in stack.provider().vector_stores.list()}
    assert smoke(stack, monkeypatch, STACK, "--restore") == 0
    said = capsys.readouterr().out
    checks = len(ALL) + 1  # a copy of the table is restored
    assert said.count("ok    ") == checks - 1
    assert "skip  calls without what the authorizer asks for are refused: there is no authorizer" in said
    assert f"{checks - 1} of {checks}, 1 skipped, in " in said
    assert not [name for name in stack.aws.client("dynamodb").list_tables()["TableNames"] if "-smoke-" in name]
    assert {each.id for each in stack.provider().vector_stores.list()} == stores
    assert not [row for row in stack.items("KEY#") if row.get("alias", {"S": ""})["S"].startswith("smoke-")]


@pytest.mark.exhaustive
def test_smoke_signs_its_calls_where_the_api_asks_for_it(
    aws: Emulator, proxy: FaultyProxy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stack = deploy(aws, proxy.url, "signed", Authorizer="AWS_IAM", StreamingUrl="off")
    assert smoke(stack, monkeypatch, "signed") == 0
    assert "are refused: AWS_IAM: 9 calls" in capsys.readouterr().out


def released(stack: Stack, description: str) -> None:
    """Have another version of the api function answer, which starts anew."""
    functions, api = stack.aws.client("lambda"), stack.outputs["ApiFunction"]
    functions.update_function_configuration(FunctionName=api, Description=description)
    functions.get_waiter("function_updated_v2").wait(FunctionName=api, WaiterConfig={"Delay": 1})
    version = functions.publish_version(FunctionName=api)["Version"]
    functions.update_alias(FunctionName=api, Name="live", FunctionVersion=version)


@pytest.mark.exhaustive
def test_smoke_notices_a_provider_whose_credential_is_wrong(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    secrets = stack.aws.client("secretsmanager")
    name = stack.outputs["OpenAISecretId"]
    sound = secrets.get_secret_value(SecretId=name)["SecretString"]
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps(json.loads(sound) | {"api_key": "sk-revoked"}))
    released(stack, "reads the secret again")
    try:
        # Two checks wait for what never comes: four minutes of the six that a test may take.
        assert smoke(stack, monkeypatch, STACK, "--patience", "0.1") == 1
    finally:
        secrets.put_secret_value(SecretId=name, SecretString=sound)
        released(stack, "The HTTP API")
    said = capsys.readouterr().out
    assert "FAIL  a store is made and searched" in said
    assert "ok    a key is made" in said
