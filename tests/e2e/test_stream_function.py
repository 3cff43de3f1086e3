"""The deployed stream function in its own runtime, as the built layers have it, with the rights of its role."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.fakes.lambda_runtime import FakeRuntimeApi
from tests.harnesses.aws_stack import BUILT, REGION, sample

if TYPE_CHECKING:
    from pathlib import Path

    from tests.harnesses.aws_stack import Stack

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]


def environment(stack: Stack, api: FakeRuntimeApi) -> dict[str, str]:
    """What Lambda gives the process. The layer of libraries is in a folder of its own here."""
    configured = stack.aws.client("lambda").get_function_configuration(FunctionName=stack.outputs["StreamFunction"])
    role = stack.aws.client("sts").assume_role(RoleArn=configured["Role"], RoleSessionName="stream")["Credentials"]
    variables: dict[str, str] = configured["Environment"]["Variables"]
    return {
        **variables,
        "AWS_ACCESS_KEY_ID": role["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": role["SecretAccessKey"],
        "AWS_SESSION_TOKEN": role["SessionToken"],
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": stack.aws.url,
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "_HANDLER": configured["Handler"],
        "LAMBDA_TASK_ROOT": str(BUILT / "Stream"),
        "PYTHONPATH": str(BUILT / "DepsLayer/python"),
        "PATH": os.environ["PATH"],
    }


def test_a_response_is_streamed_recorded_and_settled(stack: Stack, home: Path) -> None:
    fields = {"team_id": "red", "create_team": True, "models": ["*"]}
    key = stack.ask("POST", "/key/generate", key=stack.master_key, body=fields).body["key"]
    event = sample("stream_responses_create.json")
    event["headers"]["authorization"] = f"Bearer {key}"
    event["body"] = json.dumps({"model": "embedded-extractive", "input": "When?", "stream": True})
    with FakeRuntimeApi(int(time.time() * 1000)) as api, (home / "stream.log").open("wb") as log:
        command = [str(BUILT / "CoreLayer/stream-runtime"), sys.executable]
        running = subprocess.Popen(command, env=environment(stack, api), cwd=home, stdout=log, stderr=log)  # noqa: S603
        try:
            sent = api.invoke(event)
            prelude, body = sent.prelude(), sent.rest()
        finally:
            running.kill()
            running.wait(10)
    assert prelude["statusCode"] == 200, body
    events = [json.loads(line[6:]) for line in body.decode().splitlines() if line.startswith("data: ")]
    assert (events[0]["type"], events[-1]["type"]) == ("response.created", "response.completed")
    row = stack.settled(prelude["headers"]["x-litellm-call-id"], 30)
    assert row["output_tokens"]["N"] == str(events[-1]["response"]["usage"]["output_tokens"])
    written = (home / "stream.log").read_text()
    assert '"operation":"responses.create"' in written.replace(": ", ":")
    assert key not in written


def test_the_function_url_answers_for_clients_as_they_are(stack: Stack) -> None:
    answer = stack.aws.client("lambda").get_function_url_config(
        FunctionName=stack.outputs["StreamFunction"], Qualifier="live"
    )
    assert (answer["AuthType"], answer["InvokeMode"]) == ("NONE", "RESPONSE_STREAM")
    assert stack.outputs["StreamingUrl"] == answer["FunctionUrl"]
    assert answer["FunctionUrl"].endswith("/")  # so that a client's base URL is this and `v1`
