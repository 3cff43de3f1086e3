"""The template with a value for every parameter, as accounts of companies deploy it.

The emulator keeps neither subnets, boundaries of roles, reserved concurrency nor a table's key: for those,
tests/unit/repository reads the template.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from tests.harnesses.aws_deployment import deploy
from tests.harnesses.aws_stack import REGION, SENDERS, sample
from tests.helpers.template import TEMPLATE

if TYPE_CHECKING:
    from tests.fakes.faulty_proxy import FaultyProxy
    from tests.harnesses.aws_stack import Emulator, Stack

pytestmark = [pytest.mark.e2e, pytest.mark.exhaustive, pytest.mark.timeout(360)]  # a stack of its own takes a minute

NAME: Final = "company"
PRICE: Final = {
    "id": "ours.storage.2026-01-01",
    "provider": "openai",
    "operations": ["storage"],
    "from": "2026-01-01",
    "usd_per_gib_day": "0.08",
    "free_gib": "1",
    "source": "our contract",
}
# What needs no resource of the account.
CHOSEN: Final = {
    "DefaultProvider": "openai",
    "TrustInvoker": "true",
    "MeterMinutes": "5",
    "SettlementSeconds": "1",
    "IngestSenders": json.dumps(SENDERS),
    "IngestConcurrency": "3",
    "StoreRules": '{"max_vector_stores": 50}',
    "Prices": json.dumps([PRICE]),
    "CorsOrigins": "https://app.example.com",
    "ExportEvents": "on",
    "ExportS3": "on",
    "ExportSeconds": "1",
    "ExportConcurrency": "3",
    "RequestsPerSecond": "50",
    "RequestBurst": "100",
    "DomainName": "origin.example.com",
    "DomainPath": "gateway",
    "DefaultEndpoint": "off",
    "StreamingConcurrency": "2",
    "LogLevel": "WARNING",
    "LoggedSuccesses": "50",
    "SystemLogLevel": "INFO",
    "LogRetentionDays": "90",
    "Traces": "on",
    "RouteMetrics": "true",
    "FailedCallsTolerated": "20",
    "TooManyRequestsTolerated": "200",
    "SubnetIds": "subnet-1,subnet-2",
    "SecurityGroupIds": "sg-1",
    "MemorySize": "1024",
    "ApiConcurrency": "5",
    "DayIndex": "on",
    "RecordDays": "365",
    "JwtHeader": "X-Identity-Token",
    "FunctionPrefix": "acme-gateway",
    "ReleaseType": "AllAtOnce",
    "SnapStart": "on",
    "Release": "2",
}
OWN_MEMORY: Final = {"AdminFunction": 1024, "MeterFunction": 512}  # MB, whatever MemorySize says
# By the authorizer: what goes with it, and what a route then is.
VARIANTS: Final[dict[str, dict[str, str]]] = {
    "AWS_IAM": {"StreamingUrl": "off", "JwtIssuer": "", "JwtAudience": ""},
    "JWT": {"StreamingUrl": "off", "JwtIssuer": "https://login.example.com", "JwtAudience": "gateway,other"},
    "NONE": {"StreamingUrl": "on", "JwtIssuer": "", "JwtAudience": "", "DomainTruststore": "", "DefaultEndpoint": "on"},
}


def of_the_account(aws: Emulator, name: str) -> dict[str, str]:
    """Make what a company has before the stack, and return its names by parameter."""
    keys = [aws.client("kms").create_key()["KeyMetadata"]["Arn"] for _ in range(2)]
    text = json.dumps({"type": "openai", "base_url": "https://api.openai.com/v1", "api_key": "sk-1"})
    made = {"SecretsKeyArn": keys[0], "DataKeyArn": keys[1]}
    for parameter in TEMPLATE["Parameters"]:
        if parameter.endswith("SecretArn"):
            secret = aws.client("secretsmanager").create_secret(Name=f"{name}-{parameter}", SecretString=text)
            made[parameter] = secret["ARN"]
    for parameter, content in (("PricesObject", json.dumps([PRICE])), ("IngestSendersObject", json.dumps(SENDERS))):
        aws.client("s3").put_object(Bucket="artifacts", Key=f"{name}/{parameter}.json", Body=content.encode())
        made[parameter] = f"s3://artifacts/{name}/{parameter}.json"
    account = made["DataKeyArn"].split(":")[4]
    return made | {
        "CertificateArn": f"arn:aws:acm:{REGION}:{account}:certificate/1234abcd",
        "DomainTruststore": "s3://artifacts/ca.pem",
        "AlarmTopicArn": f"arn:aws:sns:{REGION}:{account}:alarms",
        "PermissionsBoundaryArn": f"arn:aws:iam::{account}:policy/boundary",
    }


def ask(stack: Stack, host: str, headers: dict[str, str]) -> int:
    """The status of a list of stores, asked of API Gateway with these headers."""
    request = Request(f"{stack.aws.url}/v1/vector_stores", headers={**headers, "Host": host})
    try:
        with urlopen(request, timeout=60) as answer:
            return int(answer.status)
    except HTTPError as error:
        with error:
            return error.code


def signed(host: str, headers: dict[str, str]) -> dict[str, str]:
    """The headers, with AWS's signature."""
    request = AWSRequest("GET", f"https://{host}/v1/vector_stores", headers=headers)
    SigV4Auth(Credentials("test", "test"), "execute-api", REGION).add_auth(request)
    return dict(request.headers.items())


@pytest.mark.parametrize("authorizer", VARIANTS)
def test_a_stack_with_every_parameter_is_deployed_and_answers(
    aws: Emulator, proxy: FaultyProxy, stack: Stack, authorizer: str
) -> None:
    name = f"{NAME}-{authorizer.replace('_', '').lower()}"
    given = {**CHOSEN, **of_the_account(aws, name), "Authorizer": authorizer, **VARIANTS[authorizer]}
    given |= {"FunctionPrefix": name, "DomainName": f"{authorizer.replace('_', '').lower()}.example.com"}
    assert set(given) == set(TEMPLATE["Parameters"])
    made = deploy(aws, proxy.url, name, **given)
    assert not set(made.outputs.values()) & set(stack.outputs.values())
    functions_are_as_asked(aws, made, given)
    resources_are_as_asked(aws, name, given)
    api_asks(aws, made, authorizer)
    payload = sample("invoke_vector_stores_list_for_tenant.json")
    assert made.invoked("InvokeFunction", payload)["status"] == 200


def functions_are_as_asked(aws: Emulator, made: Stack, given: dict[str, str]) -> None:
    """Each function has the size, name and tracing that were asked for."""
    for output, function in made.outputs.items():
        if output.endswith("Function"):
            found = aws.client("lambda").get_function_configuration(FunctionName=function)
            assert found["FunctionName"].startswith(given["FunctionPrefix"])
            assert found["MemorySize"] == OWN_MEMORY.get(output, 1024)
            assert found["TracingConfig"]["Mode"] == "Active"


def made_by(aws: Emulator, stack: str) -> list[Any]:
    """The resources of a stack."""
    pages = aws.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=stack)
    return [each for page in pages for each in page["StackResourceSummaries"]]


def resources_are_as_asked(aws: Emulator, name: str, given: dict[str, str]) -> None:
    """Logs have the key and days, alarms the topic, and the domain leads to the API."""
    every = made_by(aws, name)
    (nested,) = [each["PhysicalResourceId"] for each in every if each["ResourceType"] == "AWS::CloudFormation::Stack"]
    every += made_by(aws, nested)

    def of_type(kind: str) -> list[str]:
        return [each["PhysicalResourceId"] for each in every if each["ResourceType"] == kind]

    for group in of_type("AWS::Logs::LogGroup"):
        (log,) = aws.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]
        assert (log["retentionInDays"], log["kmsKeyId"]) == (90, given["DataKeyArn"])
    names = of_type("AWS::CloudWatch::Alarm")
    alarms = aws.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    assert len(alarms) == len(names) > 35
    assert {action for each in alarms for action in each["AlarmActions"]} == {given["AlarmTopicArn"]}
    (mapping,) = aws.client("apigatewayv2").get_api_mappings(DomainName=given["DomainName"])["Items"]
    assert mapping["ApiMappingKey"] == "gateway"


def api_asks(aws: Emulator, made: Stack, authorizer: str) -> None:
    """The HTTP API asks for what the authorizer wants, and then for the virtual key."""
    apis = aws.client("apigatewayv2")
    mapping = apis.get_api_mappings(DomainName=urlsplit(made.outputs["Url"]).hostname)["Items"][0]
    routes = apis.get_routes(ApiId=mapping["ApiId"], MaxResults="100")["Items"]
    assert {each["AuthorizationType"] for each in routes} == {authorizer}
    host = urlsplit(apis.get_api(ApiId=mapping["ApiId"])["ApiEndpoint"]).netloc
    body = {"team_id": "red", "create_team": True}
    event = sample("admin_spend_logs.json")
    event |= {
        "rawPath": "/gateway/key/generate",
        "rawQueryString": "",
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }
    event["requestContext"]["http"] |= {"method": "POST", "path": "/gateway/key/generate"}
    event["headers"] |= {"authorization": f"Bearer {made.master_key}", "content-type": "application/json"}
    answer = made.invoked("AdminFunction", event)
    assert answer["statusCode"] == 200, answer
    key = json.loads(answer["body"])["key"]
    bearer = ask(made, host, {"Authorization": f"Bearer {key}"})
    if authorizer == "NONE":
        assert bearer == 200
    if authorizer == "JWT":
        assert bearer == 401
    if authorizer == "AWS_IAM":
        assert ask(made, host, {"api-key": key}) == 403
        assert ask(made, host, signed(host, {"api-key": key})) == 200
