"""What each function's role may do, and what it may not, by IAM's own simulator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from tools.smoke.target import Target, prove

if TYPE_CHECKING:
    from tools.smoke.checks import Made

# Function, action, partition key of the item (or the output that names a secret), and whether it is allowed.
ITEMS: Final = (
    ("ApiFunction", "GetItem", "KEY#1", True),
    ("ApiFunction", "PutItem", "KEY#1", False),
    ("ApiFunction", "PutItem", "OP#1", True),
    ("ApiFunction", "DeleteItem", "OP#1", False),
    ("ApiFunction", "PutItem", "BUD#1", False),
    ("ApiFunction", "Scan", "OP#1", False),
    ("InvokeFunction", "PutItem", "KEY#1", False),
    ("AdminFunction", "PutItem", "KEY#1", True),
    ("AdminFunction", "UpdateItem", "OP#1", False),
    ("AdminFunction", "DeleteItem", "AUDIT#1", False),
    ("UsageLoggerFunction", "UpdateItem", "USE#1", True),
    ("UsageLoggerFunction", "GetItem", "KEY#1", False),
    ("MeterFunction", "PutItem", "METER#1", True),
    ("MeterFunction", "PutItem", "KEY#1", False),
    ("IngestFunction", "PutItem", "ING#1", True),
    ("IngestFunction", "PutItem", "KEY#1", False),
)
SECRETS: Final = (
    ("ApiFunction", "OpenAISecretId", True),
    ("ApiFunction", "MasterKeySecretId", False),
    ("AdminFunction", "MasterKeySecretId", True),
    ("AdminFunction", "OpenAISecretId", False),
    ("UsageLoggerFunction", "OpenAISecretId", False),
)
_PROBE: Final = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Action": "dynamodb:GetItem",
            "Resource": "*",
            "Condition": {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "A#*"}},
        },
    }
)


def roles_have_their_rights_and_no_others(target: Target, made: Made) -> str:
    """Rows by their kind, transactions' parts by the same condition, and each secret."""
    del made
    for function, output, expected in SECRETS:
        if output in target.outputs:
            arn = target.outputs[output]
            _expect(target, function, "secretsmanager:GetSecretValue", arn, None, allowed=expected)
    if not _knows_conditions(target):
        return f"{len(SECRETS)} rights on secrets; rows skipped: this IAM evaluates no conditions"
    table = target.aws("dynamodb").describe_table(TableName=target.outputs["TableName"])["Table"]["TableArn"]
    for function, action, partition, expected in ITEMS:
        _expect(target, function, f"dynamodb:{action}", table, partition, allowed=expected)
    return f"{len(SECRETS)} rights on secrets, {len(ITEMS)} on rows"


def _expect(target: Target, function: str, action: str, arn: str, partition: str | None, *, allowed: bool) -> None:
    settings = target.aws("lambda").get_function_configuration(FunctionName=target.outputs[function])
    done = target.aws("iam").simulate_principal_policy(
        PolicySourceArn=settings["Role"], ActionNames=[action], ResourceArns=[arn], ContextEntries=_context(partition)
    )
    may = done["EvaluationResults"][0]["EvalDecision"] == "allowed"
    prove(may is allowed, f"{function} {'may' if may else 'may not'} {action} {partition or arn}")


def _knows_conditions(target: Target) -> bool:
    """Whether the simulator denies what a condition denies; an emulator's may not."""
    done = target.aws("iam").simulate_custom_policy(
        PolicyInputList=[_PROBE], ActionNames=["dynamodb:GetItem"], ContextEntries=_context("B#1")
    )
    return str(done["EvaluationResults"][0]["EvalDecision"]) != "allowed"


def _context(partition: str | None) -> list[Any]:
    if partition is None:
        return []
    return [
        {
            "ContextKeyName": "dynamodb:LeadingKeys",
            "ContextKeyValues": [partition],
            "ContextKeyType": "stringList",
        }
    ]
