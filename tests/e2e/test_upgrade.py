"""A stack of an earlier release is updated, taken back, updated again and deleted, under load: nothing is lost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

import pytest

from tests.e2e.test_side_by_side import is_gone
from tests.harnesses.aws_deployment import prepared, stored, update
from tests.harnesses.aws_stack import BUCKET, BUILT, Stack, emulator, eventually, upstream
from tests.harnesses.earlier_release import EarlierRelease
from tests.harnesses.stack_ledger import differences, ledger, settled
from tests.harnesses.stack_load import DOMAIN, StackLoad

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.harnesses.aws_stack import Emulator

pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive, pytest.mark.timeout(900)]

NAME: Final = "upgraded"
PARAMETERS: Final = {
    "DomainName": DOMAIN,
    "CertificateArn": "arn:aws:acm:eu-central-1:000000000000:certificate/1234abcd",
    "MeterMinutes": "1",
}
CALLS: Final = 20  # answered before and after each update


@pytest.fixture
def aws(tmp_path: Path) -> Iterator[Emulator]:
    """An emulated AWS of its own, in which nothing else is."""
    with emulator(tmp_path) as running:
        yield running


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[str]:
    """A provider of its own."""
    with upstream(tmp_path) as url:
        yield url


def everything(aws: Emulator) -> dict[str, list[str]]:
    """The account's resources, by their kind."""
    queues, rules = aws.client("sqs").list_queues().get("QueueUrls", []), aws.client("events")
    stacks = aws.client("cloudformation").list_stacks()["StackSummaries"]
    scheduled = aws.client("scheduler").list_schedules()["Schedules"]
    found = {
        "stacks": [each["StackName"] for each in stacks if each["StackStatus"] != "DELETE_COMPLETE"],
        "tables": aws.client("dynamodb").list_tables()["TableNames"],
        "buckets": [each["Name"] for each in aws.client("s3").list_buckets()["Buckets"]],
        "functions": [each["FunctionName"] for each in aws.client("lambda").list_functions()["Functions"]],
        "layers": [each["LayerName"] for each in aws.client("lambda").list_layers()["Layers"]],
        "mappings": [each["UUID"] for each in aws.client("lambda").list_event_source_mappings()["EventSourceMappings"]],
        "alarms": [each["AlarmName"] for each in aws.client("cloudwatch").describe_alarms()["MetricAlarms"]],
        "dashboards": [
            each["DashboardName"] for each in aws.client("cloudwatch").list_dashboards()["DashboardEntries"]
        ],
        "log groups": [each["logGroupName"] for each in aws.client("logs").describe_log_groups()["logGroups"]],
        "roles": [each["RoleName"] for each in aws.client("iam").list_roles()["Roles"]],
        "secrets": [each["Name"] for each in aws.client("secretsmanager").list_secrets()["SecretList"]],
        "queues": queues,
        "buses": [each["Name"] for each in rules.list_event_buses()["EventBuses"] if each["Name"] != "default"],
        "rules": [each["Name"] for each in rules.list_rules()["Rules"]],
        "schedules": [each["Name"] for each in scheduled],
        "apis": [each["ApiId"] for each in aws.client("apigatewayv2").get_apis()["Items"]],
    }
    return {kind: sorted(names) for kind, names in found.items() if names}


def indexes(stack: Stack) -> set[str]:
    """The indexes of the stack's table."""
    table = stack.aws.client("dynamodb").describe_table(TableName=stack.outputs["TableName"])["Table"]
    return {each["IndexName"] for each in table["GlobalSecondaryIndexes"]}


def test_a_stack_is_updated_and_taken_back_under_load_and_a_deleted_one_leaves_table_and_bucket(
    tmp_path: Path, aws: Emulator, provider: str
) -> None:
    assert (BUILT / "CoreLayer").is_dir(), "the layers are not built: run `make e2e`"
    earlier = EarlierRelease.of(tmp_path / "earlier")
    stack = Stack(aws, earlier.deploy(aws, provider, NAME, PARAMETERS))
    before = f"{aws.url}/{BUCKET}/template.json"
    after = stored(aws, prepared(aws))
    made = stack.ask(
        "POST", "/key/generate", key=stack.master_key, body={"team_id": "red", "create_team": True}, host=DOMAIN
    )
    assert made.status == 200, made
    with StackLoad(aws, made.body["key"], f"{NAME}-invoke") as load:
        load.go_on(CALLS)
        for url, parameters in (
            (after, {"Release": "2", "DayIndex": "on"}),
            (before, {}),
            (after, {"Release": "3", "DayIndex": "on"}),
            (after, {"Release": "4", "DayIndex": "off"}),
        ):
            stack = update(aws, NAME, url, **parameters)
            load.go_on(CALLS)
            assert ("by_day" in indexes(stack)) == (parameters.get("DayIndex") != "off")
    assert load.failures == []
    assert len(load.unknown) < load.calls / 10, load.unknown  # whose calls the emulator ended; most often none is
    assert indexes(stack) == {"request_log", "by_tenant", "open"}
    stores = ledger(aws, stack)
    rows = settled(stores)
    creates = Counter(row.vector_store_id for row in rows if row.operation == "vector_stores.create")
    with_store = {store: times for store, times in creates.items() if store is not None}
    assert set(with_store.values()) == {1}
    living = {store.id for store in stack.provider().vector_stores.list(limit=100)}
    assert set(load.created) <= with_store.keys()
    assert with_store.keys() - set(load.deleted) == {each for each in living if each in with_store}
    assert differences(stores, rows) == []
    kept = {"tables": [stack.outputs["TableName"]], "buckets": sorted([BUCKET, stack.outputs["IngestBucketName"]])}
    aws.client("cloudformation").delete_stack(StackName=NAME)
    eventually(lambda: is_gone(aws, NAME) or None, 60, "the stack is deleted")
    assert everything(aws) == kept
