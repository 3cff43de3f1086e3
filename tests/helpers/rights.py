"""Rights to anything but rows, each an action and what it is about as template.yaml names it.

A role's are compared with what its function asks of AWS, and with what Lambda asks in the function's name.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from tests.helpers.template import FUNCTIONS, RESOURCES, TEMPLATE, listed, made_of_type, resolved, statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Right: TypeAlias = tuple[str, str]
EVERYTHING: Final = "*"
APPLICATION: Final = "ServerlessDeploymentApplication"  # which SAM makes
ABOUT: Final = ("SecretId", "QueueUrl", "FunctionName", "Bucket")  # by which a call says what it is about
# Of an event source, by what it is. The rest of a mapping is Lambda's own.
READ_STREAM: Final = ("DescribeStream", "GetRecords", "GetShardIterator", "ListStreams")
EMPTY_QUEUE: Final = ("ReceiveMessage", "DeleteMessage", "GetQueueAttributes")
ATTACH_TO_VPC: Final = (
    *("AssignPrivateIpAddresses", "CreateNetworkInterface", "DeleteNetworkInterface"),
    *("DescribeNetworkInterfaces", "DescribeSubnets", "UnassignPrivateIpAddresses"),
)
# By the name of a call, and whether it names a version of an object; others have the name of their action.
ACTIONS: Final = {
    ("Invoke", False): "InvokeFunction",
    ("SendMessageBatch", False): "SendMessage",
    ("GetObject", True): "GetObjectVersion",
    ("GetObjectTagging", True): "GetObjectVersionTagging",
}


def granted_beside_rows(role: str, given: Mapping[str, str]) -> set[Right]:
    """What a role allows of a stack with these parameters, but for rows of the table."""
    return {
        (action, name_of(resource, given))
        for each in statements(role)
        if "dynamodb:LeadingKeys" not in json.dumps(each)
        for action in listed(each["Action"])
        for resource in listed(resolved(each["Resource"], given))
    }


def name_of(resource: str, given: Mapping[str, str]) -> str:
    """The parameter, or the resource of the template, that an ARN is about."""
    if resource == EVERYTHING:
        return EVERYTHING
    by_value = {value: name for name, value in given.items()}
    words: list[str] = re.findall(r"\w+", by_value.get(resource, resource))
    return next(word for word in words if word in RESOURCES or word in TEMPLATE["Parameters"] or word == APPLICATION)


def asked_by_lambda(function: str) -> set[Right]:
    """What Lambda asks in a function's name: for its logs, its traces, its network and its events."""
    logs = name_of(json.dumps(FUNCTIONS[function]["LoggingConfig"]["LogGroup"]), {})
    return {
        *(("logs:" + action, logs) for action in ("CreateLogStream", "PutLogEvents")),
        *(("xray:" + action, EVERYTHING) for action in ("PutTraceSegments", "PutTelemetryRecords")),
        *(("ec2:" + action, EVERYTHING) for action in ATTACH_TO_VPC),
        *(each for mapping in _mappings(function) for each in _of_mapping(mapping)),
    }


def _mappings(function: str) -> Iterator[Mapping[str, Any]]:
    for each in made_of_type("AWS::Lambda::EventSourceMapping").values():
        if each["FunctionName"] == {"Ref": function}:
            yield each


def _of_mapping(mapping: Mapping[str, Any]) -> Iterator[Right]:
    source = name_of(json.dumps(mapping["EventSourceArn"]), {})
    if RESOURCES[source]["Type"] == "AWS::SQS::Queue":
        yield from (("sqs:" + action, source) for action in EMPTY_QUEUE)
    else:
        yield from (("dynamodb:" + action, source) for action in READ_STREAM)
    if "DestinationConfig" in mapping:
        yield "sqs:SendMessage", name_of(json.dumps(mapping["DestinationConfig"]["OnFailure"]["Destination"]), {})


def rights_of(call: str, service: str, params: Mapping[str, Any]) -> Iterator[Right]:
    """The rights that a call of boto3's needs. What it is about is as the call names it: an ARN, a URL, or a name."""
    action = f"{service}:{ACTIONS.get((call, 'VersionId' in params), call)}"
    if service == "events":
        yield from ((action, entry["EventBusName"]) for entry in params["Entries"])
    elif service == "codedeploy":
        yield action, APPLICATION
    elif service == "cloudwatch":
        yield action, EVERYTHING
    else:
        yield action, next(str(params[key]) for key in ABOUT if key in params)
