"""Two stacks of an account share no name, and what a stack leaves behind has none that would stop the next."""

from __future__ import annotations

import json
from typing import Any, Final

from tests.helpers.alarms import NESTED
from tests.helpers.template import deployed

# By type, the property that names a resource; where it is not given, CloudFormation makes a name of its own.
NAMES: Final = {
    "AWS::CloudFormation::Stack": "StackName",
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::DynamoDB::Table": "TableName",
    "AWS::Events::EventBus": "Name",
    "AWS::Events::Rule": "Name",
    "AWS::IAM::Role": "RoleName",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::Logs::MetricFilter": "FilterName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::SecretsManager::Secret": "Name",
}
# What has a name and no parts of an account's names: versions of a layer of one name live beside each other, an API's
# name is a title, and a domain is the account's choice.
UNNAMED: Final = {
    "AWS::ApiGatewayV2::Api",
    "AWS::ApiGatewayV2::ApiMapping",
    "AWS::ApiGatewayV2::DomainName",
    "AWS::ApiGatewayV2::Stage",
    "AWS::Lambda::Alias",
    "AWS::Lambda::EventInvokeConfig",
    "AWS::Lambda::EventSourceMapping",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Permission",
    "AWS::Lambda::Url",
    "AWS::Lambda::Version",
    "AWS::S3::BucketPolicy",
    "AWS::SQS::QueuePolicy",
}
RESOURCES: Final[dict[str, dict[str, Any]]] = {**deployed()["Resources"], **NESTED["Resources"]}


def test_every_name_is_of_its_stack() -> None:
    for logical, resource in RESOURCES.items():
        kind = resource["Type"]
        assert kind in NAMES or kind in UNNAMED or kind.startswith("AWS::CodeDeploy::"), kind
        name = resource.get("Properties", {}).get(NAMES.get(kind, ""))
        text = json.dumps(name)
        assert name is None or "AWS::StackName" in text or "AWS::StackId" in text, logical


def test_what_outlives_a_stack_has_a_name_that_no_other_stack_asks_for() -> None:
    kept = {name: each for name, each in RESOURCES.items() if each.get("DeletionPolicy", "Delete") != "Delete"}
    assert {"Table", "IngestBucket", "ExportBucket"} <= set(kept)
    for logical, resource in kept.items():
        if resource["Type"] == "AWS::Lambda::Version":
            continue  # numbered by Lambda, and gone with its function
        name = resource["Properties"].get(NAMES[resource["Type"]])
        assert name is None or "AWS::StackId" in json.dumps(name), logical
        # A first deploy that fails takes what is empty with it, but for the table, whose own protection refuses that.
        assert resource["DeletionPolicy"] == ("Retain" if logical == "Table" else "RetainExceptOnCreate"), logical
