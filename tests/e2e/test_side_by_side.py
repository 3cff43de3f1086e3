"""Two stacks in one account and region: neither touches the other, and a deleted one leaves table and bucket alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest
from botocore.exceptions import ClientError

from tests.harnesses.aws_deployment import deploy
from tests.harnesses.aws_stack import eventually

if TYPE_CHECKING:
    from tests.fakes.faulty_proxy import FaultyProxy
    from tests.harnesses.aws_stack import Emulator, Stack

pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive, pytest.mark.timeout(360)]  # a second stack takes a minute

# As long as a stack's name can be: its functions need a prefix.
SECOND: Final = "second-" + "s" * 121


def named(aws: Emulator) -> dict[str, set[str]]:
    """The account's resources of some kinds, by their names."""
    tables = aws.client("dynamodb").list_tables()["TableNames"]
    buckets = [each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]]
    functions = listed(aws, "lambda", "list_functions", "Functions", "FunctionName")
    alarms = listed(aws, "cloudwatch", "describe_alarms", "MetricAlarms", "AlarmName")
    groups = [each["logGroupName"] for each in aws.client("logs").describe_log_groups()["logGroups"]]
    roles = [each["RoleName"] for each in aws.client("iam").list_roles()["Roles"]]
    kept = [*tables, *buckets]
    return {"kept": set(kept), "others": {*functions, *alarms, *groups, *roles}}


def listed(aws: Emulator, service: str, operation: str, place: str, name: str) -> list[str]:
    """The names of everything that an operation lists, on all its pages: other tests have stacks of their own."""
    return [each[name] for page in aws.client(service).get_paginator(operation).paginate() for each in page[place]]


def is_gone(aws: Emulator, name: str = SECOND) -> bool:
    """Whether a stack is deleted, the second one by default."""
    try:
        (stack,) = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError:
        return True
    return bool(stack["StackStatus"] == "DELETE_COMPLETE")


def test_a_second_stack_has_everything_of_its_own_and_leaves_table_and_bucket(
    aws: Emulator, proxy: FaultyProxy, stack: Stack, key: str
) -> None:
    before = named(aws)
    second = deploy(aws, proxy.url, SECOND, FunctionPrefix="second")
    assert not set(second.outputs.values()) & set(stack.outputs.values())
    body = {"team_id": "red", "create_team": True}
    made = second.ask("POST", "/key/generate", key=second.master_key, body=body)
    assert made.status == 200, made
    for here, there in ((stack, made.body["key"]), (second, key)):
        assert here.ask("GET", "/v1/vector_stores", key=there).status == 401
    assert second.ask("POST", "/v1/vector_stores", key=made.body["key"], body={"name": "second"}).status == 200
    second.quiet(60)
    both = named(aws)
    assert aws.denied() == set()  # as long as every role is there
    aws.client("cloudformation").delete_stack(StackName=SECOND)
    eventually(lambda: is_gone(aws) or None, 60, "the second stack is deleted")
    after = named(aws)
    assert len(both["others"]) > len(before["others"]) + 40
    assert after["others"] - before["others"] == set()
    assert {second.outputs["TableName"], second.outputs["IngestBucketName"]} <= after["kept"]
    assert stack.ask("GET", "/v1/vector_stores", key=key).status == 200
