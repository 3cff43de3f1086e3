"""What MiniStack leaves out of a template that it deploys, set through the services' own calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.harnesses.aws_stack import Emulator


def complete(aws: Emulator, stack: str, template: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """Set the table's time to live and restore to a point in time, recursive loops, and the stage's limits.

    `given`: the parameters that are not their defaults.
    """
    parameters = {**{name: each["Default"] for name, each in template["Parameters"].items()}, **given}
    pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    every = [each for page in pages for each in page["StackResourceSummaries"]]
    ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in every}
    (api,) = [each["PhysicalResourceId"] for each in every if each["ResourceType"] == "AWS::ApiGatewayV2::Api"]
    for name, resource in template["Resources"].items():
        if name in ids and resource["Type"] == "AWS::DynamoDB::Table":
            _protect(aws, ids[name], resource["Properties"])
        if name in ids and "RecursiveLoop" in resource.get("Properties", {}):
            loop = resource["Properties"]["RecursiveLoop"]
            aws.client("lambda").put_function_recursion_config(FunctionName=ids[name], RecursiveLoop=loop)
        if resource["Type"] == "AWS::ApiGatewayV2::Stage":
            _limit(aws, api, resource["Properties"], parameters)


def _protect(aws: Emulator, table: str, properties: Mapping[str, Any]) -> None:
    client = aws.client("dynamodb")
    if "TimeToLiveSpecification" in properties:
        client.update_time_to_live(TableName=table, TimeToLiveSpecification=properties["TimeToLiveSpecification"])
    if "PointInTimeRecoverySpecification" in properties:
        client.update_continuous_backups(
            TableName=table, PointInTimeRecoverySpecification=properties["PointInTimeRecoverySpecification"]
        )


def _limit(aws: Emulator, api: str, stage: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    settings = {
        route: {
            key: float(parameters[value["Ref"]]) if isinstance(value, dict) else float(value)
            for key, value in each.items()
            if key.startswith("Throttling")
        }
        for route, each in {**stage.get("RouteSettings", {}), "": stage.get("DefaultRouteSettings", {})}.items()
    }
    for each in settings.values():
        if "ThrottlingBurstLimit" in each:
            each["ThrottlingBurstLimit"] = int(each["ThrottlingBurstLimit"])
    default = settings.pop("")
    aws.client("apigatewayv2").update_stage(
        ApiId=api, StageName=stage["StageName"], DefaultRouteSettings=default, RouteSettings=settings
    )
