"""The check of a release: what it sends to each new version, and what it tells CodeDeploy."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import EndpointConnectionError
from botocore.stub import Stubber

from tests.factories.secrets import secret_text
from vectorgate.entrypoints.invoke.invocations import InvokeHandler
from vectorgate.entrypoints.release_check import ReleaseCheck, act
from vectorgate.entrypoints.release_check.checks import CHECKS
from vectorgate.entrypoints.release_check.settings import read

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.gateway import GatewayHarness

VERSIONS = {name: f"arn:aws:lambda:eu-central-1:123456789012:function:{name}:7" for name in CHECKS}
DEPLOYMENT = {"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "hook-1"}


class Functions:
    """Lambda, with the handlers of the functions."""

    def __init__(self, harness: GatewayHarness) -> None:
        invoke = InvokeHandler(harness.gateway)
        self.handlers: dict[str, Callable[[Any], Any]] = {
            "api": harness.api,
            "stream": harness.api,
            "admin": harness.admin,
            "invoke": lambda payload: invoke.answer(payload, "invocation"),
        }
        self.after = b""

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803 - boto3's names
        """Run the handler of a version's function."""
        (name,) = (name for name, arn in VERSIONS.items() if arn == FunctionName)
        try:
            answer = json.dumps(self.handlers[name](json.loads(Payload))).encode() + self.after
        except ArithmeticError:
            return {"FunctionError": "Unhandled", "Payload": io.BytesIO(b'{"errorMessage": "division"}')}
        return {"Payload": io.BytesIO(answer)}


@pytest.fixture
def functions(harness: GatewayHarness) -> Functions:
    """The functions of the harness."""
    return Functions(harness)


def told(functions: Functions, event: dict[str, str], status: str | None) -> Any:
    """What the check returns, which must tell CodeDeploy that status, or nothing."""
    client = boto3.client("codedeploy", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="s")
    with Stubber(client) as deployments:
        if status is not None:
            said = {
                "deploymentId": "d-1",
                "lifecycleEventHookExecutionId": "hook-1",
                "status": status,
            }
            deployments.add_response("put_lifecycle_event_hook_execution_status", {}, said)
        found = act(event, ReleaseCheck(VERSIONS, functions, client, Logger()))
        deployments.assert_no_pending_responses()
    return found["problems"]


def test_versions_that_answer_are_let_through(functions: Functions) -> None:
    assert told(functions, DEPLOYMENT, "Succeeded") == {}
    functions.after = bytes(8) + b"a body that is streamed"
    assert told(functions, {}, None) == {}


def test_a_version_that_crashes_or_answers_otherwise_gets_no_traffic(functions: Functions) -> None:
    functions.handlers["invoke"] = lambda _: 1 // 0
    functions.handlers["stream"] = lambda _: ["what is no answer"]
    assert told(functions, DEPLOYMENT, "Failed") == {
        "invoke": "it crashes, or does not start",
        "stream": "it answers None, not 200",
    }


def test_a_version_that_cannot_read_its_secret_gets_no_traffic(harness: GatewayHarness, functions: Functions) -> None:
    harness.secret_source.text = None
    assert told(functions, DEPLOYMENT, "Failed") == {
        "api": "it answers 503, not 200",
        "stream": "it answers 503, not 200",
    }
    harness.secret_source.text = secret_text(harness.upstream.url)
    assert told(functions, DEPLOYMENT, "Succeeded") == {}


def test_a_version_that_cannot_be_invoked_gets_no_traffic(functions: Functions) -> None:
    def away(_: Any) -> Any:
        raise EndpointConnectionError(endpoint_url="https://lambda")

    functions.handlers["admin"] = away
    assert told(functions, DEPLOYMENT, "Failed") == {"admin": "it cannot be invoked: EndpointConnectionError"}


def test_a_check_without_a_version_does_not_start() -> None:
    for environment in ({}, {"VECTORGATE_VERSION_API": ""}):
        with pytest.raises(ValueError, match="VECTORGATE_VERSION_"):
            read(environment)
