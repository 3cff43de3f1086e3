"""`make smoke` asks IAM about every statement of every role: where it allows an action, and where none does."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Final

from tests.helpers.template import deployed
from tools.smoke import rights
from tools.smoke.release import Release, listed
from tools.smoke.target import Target

ACCOUNT: Final = "eu-central-1:123456789012"
SECRET: Final = f"arn:aws:secretsmanager:{ACCOUNT}:secret:s-abcdef"
# Each adds statements.
PARAMETERS: Final = {
    "DataKeyArn": f"arn:aws:kms:{ACCOUNT}:key/data",
    "ExportS3": "on",
    "ExportSlackSecretArn": SECRET,
    "ExportWebhookSecretArn": SECRET,
    "IngestSendersObject": "s3://bucket/senders.json",
    "OpenAIAdminSecretArn": SECRET,
    "PricesObject": "s3://bucket/prices.json",
    "SecretsKeyArn": f"arn:aws:kms:{ACCOUNT}:key/secrets",
    "SecurityGroupIds": "sg-1",
    "StreamingUrl": "on",
    "SubnetIds": "subnet-1",
}


RELEASE: Final = Release(PARAMETERS)
RESOURCES: Final = {
    name: (each["Type"], f"https://sqs/{name}" if each["Type"] == "AWS::SQS::Queue" else name)
    for name, each in deployed()["Resources"].items()
}


class Described(Target):
    """The stack of the template, without AWS."""

    release = property(lambda _: RELEASE)
    resources = property(lambda _: RESOURCES)
    stack_id = property(lambda _: f"arn:aws:cloudformation:{ACCOUNT}:stack/stack/1")

    def aws(self, service: Any) -> Any:
        """What describes a secret and a table."""
        del service
        table = {"LatestStreamArn": f"arn:aws:dynamodb:{ACCOUNT}:table/Table/stream/2026"}
        return SimpleNamespace(
            describe_secret=lambda SecretId: {"ARN": f"{SECRET}-{SecretId}"},  # noqa: N803 - boto3's
            describe_table=lambda TableName: {"Table": table | {"TableName": TableName}},  # noqa: N803 - the same
        )


def test_every_action_of_every_statement_is_asked_where_it_is_allowed_and_where_it_is_not() -> None:
    target = Described("stack", None, None, "smoke")
    roles = target.release.of_type("AWS::IAM::Role")
    policies = {role: rights._statements(target, each) for role, each in roles.items()}
    questions = [each for role in policies for each in rights._questions(target, role, policies)]
    denied = {
        action
        for each in questions
        for action, _ in {(action, arn) for action in each.actions for arn in each.arns}
        - rights._expected(policies[each.role], each)
    }
    for role, every in policies.items():
        own = [each for each in questions if each.role == role]
        for statement in every:
            for action in listed(statement["Action"]):
                asked = (each for each in own if action in each.actions)
                allowed = (rights._allows(statement, action, arn, each.context) for each in asked for arn in each.arns)
                assert any(allowed), (role, statement["Sid"], action)
                assert action in denied, (role, statement["Sid"], action)


def test_a_list_of_attributes_is_asked_about_with_one_more() -> None:
    target = Described("stack", None, None, "smoke")
    roles = target.release.of_type("AWS::IAM::Role")
    policies = {role: rights._statements(target, each) for role, each in roles.items()}
    asked = [each for each in rights._questions(target, "MeterRole", policies) if rights.ATTRIBUTES in each.context]
    rows = [each for each in asked if each.context[rights.KEYS] == ["OP#smoke"]]
    assert [bool(rights._expected(policies["MeterRole"], each)) for each in rows] == [True, False]
