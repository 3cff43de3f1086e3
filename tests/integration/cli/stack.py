"""A stack on moto: the resources of template.yaml that the commands look at, with its outputs.

moto's own CloudFormation knows no secrets, and importing it costs five seconds: what it would say is said here. Real
answers of CloudFormation are in tests/e2e.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import boto3

from tests.factories.secrets import MASTER_KEY
from vectorgate.client.cli.aws import Boto3
from vectorgate.client.cli.exits import NOT_FOUND, Failure

if TYPE_CHECKING:
    from collections.abc import Mapping

REGION: Final = "eu-central-1"
STACK: Final = "vectorgate"
OPENAI: Final = "openai-of-the-stack"
MASTER: Final = "master-key-of-the-stack"
TABLE: Final = "table"
SCHEDULE: Final = "meter-every-minute"
ALARM: Final = "settled late"
NESTED: Final = f"arn:aws:cloudformation:{REGION}:123456789012:stack/{STACK}-Alarms-1ABC/1-2-3"
EVERY_MINUTE: Final[dict[str, Any]] = {
    "Name": SCHEDULE,
    "ScheduleExpression": "rate(1 minute)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {
        "Arn": f"arn:aws:lambda:{REGION}:123456789012:function:meter",
        "RoleArn": "arn:aws:iam::123456789012:role/schedule",
    },
}
FAILURES: Final = "usage-logger-failures"
FUNCTION: Final = "usage-logger"
QUEUES: Final = {"UsageLoggerFailures": FAILURES, "ExportWebhookFailures": "dead", "IngestQueue": "waiting"}
INDEXES: Final = ("request_log", "by_tenant", "open")


@dataclass
class OnMoto:
    """`Aws`: what is said here of the stack, its functions and alarms, and moto's answers of every other service."""

    outputs: dict[str, str]
    queues: dict[str, str]
    parameters: dict[str, str] = field(default_factory=dict)
    function: dict[str, str] = field(default_factory=lambda: {"State": "Active", "LastUpdateStatus": "Successful"})
    mapping: str = "Enabled"
    alarms_on: list[str] = field(default_factory=list)
    services: Boto3 = field(default_factory=lambda: Boto3(REGION))

    def call(self, service: str, operation: str, **parameters: object) -> Mapping[str, Any]:
        """See `vectorgate.client.cli.aws.Aws`."""
        if service == "lambda":
            return self.function | {"EventSourceMappings": [{"UUID": "1-2-3", "State": self.mapping}]}
        if service == "cloudwatch":
            return {"MetricAlarms": [{"AlarmName": name, "AlarmDescription": "It is on."} for name in self.alarms_on]}
        if service != "cloudformation":
            return self.services.call(service, operation, **parameters)
        return self._of_the_stack(operation, parameters)

    def _of_the_stack(self, operation: str, parameters: Mapping[str, object]) -> Mapping[str, Any]:
        if operation == "list_stack_resources":
            made = {
                STACK: {"MeterTick": SCHEDULE, "Alarms": NESTED, **self.queues},
                NESTED: {"LagAlarm": ALARM},
            }[str(parameters["StackName"])]
            return {"StackResourceSummaries": [summary(name, id_) for name, id_ in made.items()]}
        if parameters["StackName"] != STACK:
            raise Failure("Stack with id none does not exist", NOT_FOUND)
        outputs = [{"OutputKey": key, "OutputValue": value} for key, value in self.outputs.items()]
        given = [{"ParameterKey": key, "ParameterValue": value} for key, value in self.parameters.items()]
        return {"Stacks": [{"StackStatus": "CREATE_COMPLETE", "Outputs": outputs, "Parameters": given}]}


def summary(name: str, physical: str) -> dict[str, str]:
    """What CloudFormation lists of a resource."""
    kind = "AWS::CloudFormation::Stack" if physical == NESTED else "of some type"
    return {"LogicalResourceId": name, "PhysicalResourceId": physical, "ResourceType": kind}


def client(service: Any) -> Any:
    """boto3's client of a service."""
    return boto3.client(service, region_name=REGION)


def deploy(url: str) -> OnMoto:
    """Make what the stack has, whose gateway is at `url`."""
    _make_table()
    provider = {"type": "openai", "base_url": "https://api.openai.com/v1", "api_key": ""}
    client("secretsmanager").create_secret(Name=OPENAI, SecretString=json.dumps(provider))
    client("secretsmanager").create_secret(Name=MASTER, SecretString=MASTER_KEY)
    urls = {each: client("sqs").create_queue(QueueName=name)["QueueUrl"] for each, name in QUEUES.items()}
    client("scheduler").create_schedule(**EVERY_MINUTE)
    named = {
        "Url": url,
        "TableName": TABLE,
        "OpenAISecretId": OPENAI,
        "MasterKeySecretId": MASTER,
        "UsageLoggerFunction": FUNCTION,
    }
    return OnMoto(named, urls)


def _make_table() -> None:
    keys = {"PK": "HASH", "SK": "RANGE"}
    indexes = [
        {
            "IndexName": name,
            "KeySchema": [{"AttributeName": f"{name}_pk", "KeyType": "HASH"}],
            "Projection": {"ProjectionType": "KEYS_ONLY"},
        }
        for name in INDEXES
    ]
    names = [*keys, *(f"{name}_pk" for name in INDEXES)]
    dynamodb = client("dynamodb")
    dynamodb.create_table(
        TableName=TABLE,
        BillingMode="PAY_PER_REQUEST",
        DeletionProtectionEnabled=True,
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_AND_OLD_IMAGES"},
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in keys.items()],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in names],
        GlobalSecondaryIndexes=indexes,
    )
    dynamodb.update_time_to_live(TableName=TABLE, TimeToLiveSpecification={"AttributeName": "ttl", "Enabled": True})
    recovery = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=TABLE, PointInTimeRecoverySpecification=recovery)
