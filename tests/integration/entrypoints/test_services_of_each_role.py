"""Each role allows of AWS's other services what its function asks, and nothing that it never asks.

The functions run as on Lambda, from the environment that the template gives them with every parameter given. For rows
of the table, see tests/integration/gateway/test_rights_of_each_function.py. CodeDeploy is a fake.
"""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.factories.ledger import answered, begun, settled
from tests.factories.secrets import MASTER_KEY
from tests.fakes.code_deploy import Group
from tests.fakes.in_process_provider import InProcessProvider
from tests.fakes.released_alias import ReleasedAlias
from tests.harnesses.deployed_functions import Account, account
from tests.helpers.rights import asked_by_lambda, granted_beside_rows, rights_of
from tests.helpers.template import ROOT, made_of_type, resolved
from vectorgate.api.http import Body
from vectorgate.persistence.dynamodb.schema import operation_item
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.http.outcome import Outcome, Replied

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.helpers.rights import Right
    from vectorgate.providers.base import UpstreamRequest

pytestmark = pytest.mark.exhaustive

KMS: Final = ("Decrypt", "DescribeKey", "Encrypt", "GenerateDataKey", "ReEncryptFrom", "ReEncryptTo")
# What a service asks in the function's name, or looks at when the function asks it something else.
IN_ITS_NAME: Final[Mapping[Right, str]] = {
    **dict.fromkeys((("kms:" + action, "DataKeyArn") for action in KMS), "DynamoDB, for the table's key"),
    ("kms:Decrypt", "SecretsKeyArn"): "Secrets Manager, for the key of a secret that is read",
    ("s3:ListBucket", "IngestBucket"): "S3, which otherwise answers 403 where there is no object",
    ("s3:ListBucketVersions", "IngestBucket"): "likewise, where there is no version of it",
}


def event(name: str) -> Any:
    """A sample of the events that AWS sends."""
    return json.loads((ROOT / "events" / f"{name}.json").read_text())


def http(method: str, path: str, key: str, body: object = None, **query: str) -> Any:
    """A request by API Gateway."""
    made = event("api_create")
    made["requestContext"]["http"] |= {"method": method, "path": path}
    made["headers"] |= {"authorization": f"Bearer {key}"}
    return made | {"rawPath": path, "body": "" if body is None else json.dumps(body), "queryStringParameters": query}


def administer(aws: Account) -> str:
    """What the admin function asks for; a key that may use an index of Azure AI Search."""
    place = {"vector_store_index": "tides-1", "vector_store_name": "azure_ai"}
    allowed = [{"index_name": "tides", "index_permissions": ["read"]}]
    for name in [each for each in aws.places if each.endswith("Failures")]:
        aws.send(name, "lost")
    with aws.running("Admin", InProcessProvider()) as handler:

        def ask(method: str, path: str, body: object = None, **query: str) -> Any:
            return json.loads(handler(http(method, path, MASTER_KEY, body, **query), None)["body"])

        ask("POST", "/v1/indexes", {"index_name": "tides", "litellm_params": place})
        ask("GET", "/vector_stores/unowned")
        ask("GET", "/health/services", service="webhook")
        ask("GET", "/admin/dead_letters")
        terms = {"team_id": "red", "create_team": True, "allowed_vector_store_indexes": allowed}
        return str(ask("POST", "/key/generate", terms)["key"])


STORES: Final = ({"name": "a"}, {"name": "b", "custom_llm_provider": "azure"})


def ask_the_api(aws: Account, function: str) -> None:
    """A store at each provider, and a search in an index."""
    key, version = administer(aws), {"api-version": "2025-09-01"}
    with aws.running(function, InProcessProvider()) as handler:
        for body in STORES:
            handler(http("POST", "/v1/vector_stores", key, body), None)
        handler(http("POST", "/azure_ai/indexes/tides/docs/search", key, {"search": "q"}, **version), None)


def invoke(aws: Account, function: str) -> None:
    """A store at each provider."""
    key = administer(aws)
    with aws.running(function, InProcessProvider()) as handler:
        for body in STORES:
            handler({"operation": "vector_stores.create", "api_key": key, "body": body}, None)


def ingest(aws: Account, function: str) -> None:
    """At each provider an object with a version, one whose version is not named, an event, and an unknown sender."""
    bucket, s3 = aws.places["IngestBucket"], aws.session.client("s3")
    for provider in ("openai", "azure"):
        aws.given["DefaultProvider"] = provider
        asked = [event("ingest_create_requested")]
        for key in (f"red/docs/{provider}", f"red/docs/{provider} again", f"stranger/docs/{provider}"):
            version = s3.put_object(Bucket=bucket, Key=key, Body=b"text", Tagging="a=b")["VersionId"]
            asked.append(created(bucket, key, {} if "again" in key else {"versionId": version}))
        with aws.running(function, InProcessProvider()) as handler:
            for each in asked:
                handler(each, None)


def created(bucket: str, key: str, version: Mapping[str, str]) -> Any:
    """The message which says that an object was put."""
    made = event("ingest_s3_created")
    message = json.loads(made["Records"][0]["body"])
    message["Records"][0]["s3"]["bucket"]["name"] = bucket
    message["Records"][0]["s3"]["object"] = {"key": key, "sequencer": "01", **version}
    made["Records"][0]["body"] = json.dumps(message)
    return made


def tick(aws: Account, function: str) -> None:
    """A tick, and the comparison with OpenAI's bill."""
    with aws.running(function, InProcessProvider()) as handler:
        handler({}, None)
        handler({"bill": {"first_day": 20_000, "last_day": 20_001}}, None)


def settle(aws: Account, function: str) -> None:
    """Rows of the stream."""
    with aws.running(function, InProcessProvider()) as handler:
        handler(event("usage_logger_stream"), None)


def release(aws: Account, function: str) -> None:
    """A hook of CodeDeploy's, which moto does not have."""
    with aws.running(function, InProcessProvider()) as handler, suppress(NotImplementedError):
        handler({"DeploymentId": "d-1", "LifecycleEventHookExecutionId": "hook-1"}, None)


class Receiver:
    """A `Transport` to destinations that fail."""

    def close(self) -> None:
        """There is no connection."""

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """Refuse it."""
        del request, seconds
        return Replied(UpstreamResponse(status=503, headers={}, body=Body.of(b"")))


def export(aws: Account, function: str) -> None:
    """A row of the stream, a test of each destination, and in each queue what cannot be sent, and what is no record."""
    row = begun(1, team_id="red", budgets=("team/2026-03-01",))
    item = operation_item(settled(answered(row, vector_store_id=None)))
    aws.session.client("dynamodb").put_item(TableName="Table", Item=item)
    with aws.running(function, Receiver()) as handler:
        change = {"SequenceNumber": "1", "NewImage": item}
        handler({"Records": [{"eventSource": "aws:dynamodb", "dynamodb": change}]}, None)
        for name in handler({"check": "none"}, None)["chosen"]:
            handler({"check": name}, None)
        aws.remove_what_exports_need()
        for queue in [each for each in aws.places if each.startswith("Export") and each.endswith("Queue")]:
            aws.send(queue, "no record")
            for _ in range(2):  # the record of the stream, too
                handler({"Records": [aws.received(queue)]}, None)


SCENES: Final[Mapping[str, Callable[[Account, str], object]]] = {
    "Api": ask_the_api,
    "Stream": ask_the_api,
    "Invoke": invoke,
    "Admin": lambda aws, _: administer(aws),
    "UsageLogger": settle,
    "Meter": tick,
    "Ingest": ingest,
    "Exporter": export,
    "ReleaseCheck": release,
}


@pytest.mark.parametrize("function", SCENES)
def test_a_role_allows_of_other_services_what_its_function_asks_and_nothing_besides(function: str) -> None:
    with account() as aws:
        granted = granted_beside_rows(f"{function}Role", aws.given)
        SCENES[function](aws, function)
        asked = aws.asked[function] | asked_by_lambda(function)
        assert asked - granted == set()
        assert granted - asked - IN_ITS_NAME.keys() == set()


def test_codedeploys_role_allows_what_a_release_of_each_function_asks_and_nothing_besides() -> None:
    given = {"StreamingUrl": "on"}
    asked: set[Right] = set()
    for name, properties in made_of_type("AWS::CodeDeploy::DeploymentGroup").items():
        config = {"DeploymentConfigName": "CodeDeployDefault.LambdaCanary10Percent5Minutes"}
        group = Group.of({**resolved(properties, given), **config})
        alias = ReleasedAlias(group.alarms, function=name.removesuffix("DeploymentGroup"))
        assert alias.released(group) == "Succeeded"
        asked |= {right for each in alias.asked for right in rights_of(*each)}
    assert asked == granted_beside_rows("ReleaseRole", given)
