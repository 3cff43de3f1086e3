"""`vectorgate doctor` and `vectorgate providers` on the deployed template, whose CloudFormation answers by itself."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest

from tests.harnesses.aws_stack import REGION, STACK
from vectorgate.client.cli.main import main
from vectorgate.client.cli.session import RunEnvironment

if TYPE_CHECKING:
    from tests.harnesses.aws_stack import Stack

pytestmark = pytest.mark.e2e


def test_the_deployed_stack_is_well_but_for_its_provider_over_plain_http(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", stack.aws.url)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    forget_dead_letters(stack)
    out = io.StringIO()
    code = main(["doctor", "--stack", STACK, "--region", REGION, "--inside-only", "--json"], RunEnvironment(out=out))
    found = {each["check"]: each for each in json.loads(out.getvalue())}
    ill = {name: each["found"] for name, each in found.items() if each["result"] in {"failed", "warning"}}
    assert (code, ill) == (1, {"secret: openai": "a provider's base_url is an https URL"})
    assert {
        "function: ApiFunction",
        "table",
        "schedule",
        "settlement",
        "queue: IngestFailures",
        "exports",
    } <= found.keys()


def forget_dead_letters(stack: Stack) -> None:
    """Empty every queue of the stack: the tests of failures that ran before this one leave messages in them."""
    queues = stack.aws.client("sqs")
    for url in queues.list_queues()["QueueUrls"]:
        queues.purge_queue(QueueUrl=url)
