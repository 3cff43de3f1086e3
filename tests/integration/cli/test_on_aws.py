"""The commands that look at a deployment on AWS from inside, on moto."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.stub import Stubber
from moto import mock_aws

from tests.factories.secrets import PROVIDER_KEY
from tests.integration.cli import stack
from tests.integration.cli.conftest import run
from vectorgate.client.cli import aws
from vectorgate.client.cli.exits import Failure
from vectorgate.client.cli.provider_secrets import PARAMETERS
from vectorgate.client.cli.providers import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harnesses.gateway import GatewayHarness, GatewayServer
    from tests.integration.cli.conftest import Ran, Run
    from tests.integration.cli.stack import OnMoto

DOCTOR = f"doctor --stack {stack.STACK} --json"


@pytest.fixture(autouse=True)
def deployed(gateway_server: GatewayServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[OnMoto]:
    """The stack, whose gateway is the harness, and credentials."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with mock_aws():
        yield stack.deploy(gateway_server.url)


@pytest.fixture
def on_aws(vectorgate: Run, deployed: OnMoto) -> Run:
    """The commands, with that AWS."""

    def ran(line: str, **options: Any) -> Ran:
        return vectorgate(line, aws=lambda _: deployed, **options)

    return ran


def secret() -> Any:
    return json.loads(stack.client("secretsmanager").get_secret_value(SecretId=stack.OPENAI)["SecretString"])


def results(ran: Any) -> dict[str, tuple[str, str]]:
    return {each["check"]: (each["result"], each["advice"] or "") for each in ran.json}


def test_a_provider_s_key_is_read_from_standard_input_or_a_hidden_prompt_and_never_shown(on_aws: Run) -> None:
    line = "providers set openai"
    first = on_aws(line, given=f"{PROVIDER_KEY}\n")
    assert (first.code, secret()) == (
        0,
        {"type": "openai", "base_url": "https://api.openai.com/v1", "api_key": PROVIDER_KEY},
    )
    asked: list[str] = []

    def asks(question: str) -> str:
        asked.append(question)
        return "sk-second"

    second = on_aws(f"{line} --base-url https://eu.example/v1", terminal=True, ask=asks)
    assert (second.code, asked, secret()["api_key"]) == (0, ["Key of openai"], "sk-second")
    assert secret()["base_url"] == "https://eu.example/v1"
    listed = on_aws("providers list")
    assert "usable" in listed.out
    for ran in (first, second, listed):
        assert not any(key in ran.out + ran.err for key in (PROVIDER_KEY, "sk-second"))


def test_what_cannot_be_a_key_or_a_provider_of_the_stack_is_not_written(on_aws: Run) -> None:
    before = secret()
    for given, line in (
        ("", "providers set openai"),
        ("sk-1 sk-2", "providers set openai"),
        ("sk-1", "providers set openai --base-url http://plain.example"),
    ):
        assert on_aws(f"{line}", given=given).code == 2
    assert on_aws("providers set azure", given="k").code == 5
    assert on_aws("providers set openai --stack none", given="k").code == 5
    assert secret() == before
    assert tuple(PARAMETERS) == NAMES


def test_openai_s_admin_key_has_a_secret_of_its_own(on_aws: Run, deployed: OnMoto) -> None:
    stack.client("secretsmanager").create_secret(Name="admin", SecretString="{}")
    deployed.parameters["OpenAIAdminSecretArn"] = "admin"
    assert on_aws("providers set openai_admin --projects proj_1", given="sk-admin-1").code == 0
    assert json.loads(stack.client("secretsmanager").get_secret_value(SecretId="admin")["SecretString"]) == {
        "type": "openai_admin",
        "base_url": "https://api.openai.com/v1",
        "project_ids": "proj_1",
        "api_key": "sk-admin-1",
    }
    assert len(on_aws("providers list --json").json) == 2


def test_a_whole_deployment_is_well_by_its_own_url_and_master_key(
    on_aws: Run, deployed: OnMoto, harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_aws("providers set openai", given=PROVIDER_KEY)
    monkeypatch.delenv("VECTORGATE_BASE_URL")
    monkeypatch.delenv("VECTORGATE_API_KEY")
    harness.openai.stores.clear()
    ran = run(DOCTOR, aws=lambda _: deployed, wall=time.time)
    found = results(ran)
    assert {result for result, _ in found.values()} <= {"ok", "skipped"}, ran.out
    assert {"route", "table", "schedule", "settlement", "secret: openai", "provider: stores", "clock"} <= found.keys()
    assert ran.code == 0


def test_each_fault_of_a_deployment_is_found_with_what_to_do(on_aws: Run, deployed: OnMoto) -> None:
    stack.client("scheduler").update_schedule(**stack.EVERY_MINUTE, State="DISABLED")
    stack.client("sqs").send_message(QueueUrl=deployed.queues["UsageLoggerFailures"], MessageBody="x")
    stack.client("dynamodb").update_table(TableName=stack.TABLE, DeletionProtectionEnabled=False)
    deployed.mapping, deployed.alarms_on = "Disabled", [stack.ALARM, "of another stack"]
    deployed.function["State"] = "Failed"
    ran = on_aws(f"{DOCTOR} --inside-only")
    found = results(ran)
    assert ran.code == 1
    assert found["schedule"][0] == found["settlement"][0] == found["secret: openai"][0] == "failed"
    assert found["table"][0] == found["queue: UsageLoggerFailures"][0] == "warning"
    assert "update-schedule" in found["schedule"][1]
    assert "update-event-source-mapping" in found["settlement"][1]
    assert "providers set openai" in found["secret: openai"][1]
    assert found["function: UsageLoggerFunction"][0] == "failed"
    assert [each["found"] for each in ran.json if each["check"] == "alarms"] == [f"{stack.ALARM}: It is on."]
    assert "route" not in found


def test_a_table_that_is_gone_or_has_no_stream_fails(on_aws: Run) -> None:
    table = stack.TABLE
    stack.client("dynamodb").update_table(TableName=table, StreamSpecification={"StreamEnabled": False})
    assert "stream is off" in on_aws(f"{DOCTOR} --inside-only").out
    stack.client("dynamodb").update_table(TableName=table, DeletionProtectionEnabled=False)
    stack.client("dynamodb").delete_table(TableName=table)
    assert results(on_aws(f"{DOCTOR} --inside-only"))["table"][0] == "failed"


def test_aws_s_refusals_have_their_exit_codes(on_aws: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert on_aws("doctor --inside-only").code == 2
    assert on_aws(DOCTOR.replace("--stack vectorgate", "--stack none")).code == 5
    denied = stack.client("sqs")
    stubbed = Stubber(denied)
    stubbed.add_client_error("get_queue_attributes", "AccessDenied", "no")
    stubbed.activate()
    boto = aws.Boto3(stack.REGION)
    monkeypatch.setattr(boto, "_client", lambda _: denied)
    with pytest.raises(Failure) as raised:
        boto.call("sqs", "get_queue_attributes", QueueUrl="q")
    assert raised.value.code == 4
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(Failure) as raised:
        aws.Boto3(stack.REGION).call("sts", "get_caller_identity")
    assert raised.value.code == 3
