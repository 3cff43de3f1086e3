"""The handlers of the functions, composed as on Lambda from the environment that template.yaml gives them, on moto.

Every parameter is given. What a function asks of AWS is written down, but for what it asks of the table.
"""

from __future__ import annotations

import json
import runpy
import sys
from collections import defaultdict
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import boto3
import botocore.session
import pytest
from moto import mock_aws

from tests.factories.secrets import MASTER_KEY
from tests.helpers.quick_moto import quicken
from tests.helpers.rights import Right, rights_of
from tests.helpers.template import RESOURCES, TEMPLATE, variables
from vectorgate.persistence.dynamodb import TABLE_DEFINITION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.providers.http.outcome import Transport

REGION: Final = "eu-central-1"
ACCOUNT: Final = "123456789012"
SENDERS: Final = {"red": "red", "com.example.crm": "red"}
# The text of each secret. Not of the master key: any will do.
SECRETS: Final[Mapping[str, Mapping[str, str]]] = {
    "OpenAISecret": {"base_url": "https://api.openai.com/v1"},
    "AzureSecretArn": {"base_url": "https://red.openai.azure.com"},
    "AzureAISearchSecretArn": {"base_url": "https://red.search.windows.net"},
    "OpenAIAdminSecretArn": {"base_url": "https://api.openai.com/v1", "project_ids": "proj_1"},
    "ExportWebhookSecretArn": {"url": "https://webhook.example/in", "signing_key": "whsec_" + "a2tr" * 8},
    "ExportOtelSecretArn": {"url": "https://otel.example/in"},
    "ExportSlackSecretArn": {"url": "https://hooks.slack.com/services/T/B/x"},
}
OBJECTS: Final = {"PricesObject": "[]", "IngestSendersObject": json.dumps(SENDERS)}
OTHERS: Final = {
    "SecretsKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/secrets",
    "DataKeyArn": f"arn:aws:kms:{REGION}:{ACCOUNT}:key/data",
    "SubnetIds": "subnet-1",
    "SecurityGroupIds": "sg-1",
    "ExportS3": "on",
    "StreamingUrl": "on",
    "TrustInvoker": "true",
}


ROOT: Final = Path(__file__).parents[2]
FOLDERS: Final = {"UsageLogger": "usage_logger", "ReleaseCheck": "release_check"}
COMPOSED: Final = "vectorgate."  # whose modules keep what they made


class Account:
    """An account in which everything is that the template and its parameters name.

    `given`: the parameters. `asked`: what each function asked, by the names in the template.
    """

    def __init__(self) -> None:
        self.session = boto3.Session(region_name=REGION)  # whose calls are no function's
        self.sqs = self.session.client("sqs")
        self.places: dict[str, str] = {}  # by name in the template, what a function is told
        self.given = dict(OTHERS)
        self.asked: defaultdict[str, set[Right]] = defaultdict(set)
        self._make_secrets()
        self._make_buckets_and_queues()
        definition = {**TABLE_DEFINITION, "StreamSpecification": {"StreamEnabled": False}}
        self.session.client("dynamodb").create_table(TableName="Table", **definition)
        self.session.client("events").create_event_bus(Name="IngestBus")

    def _make_secrets(self) -> None:
        secrets = self.session.client("secretsmanager")
        for name, fields in SECRETS.items():
            text = json.dumps({**fields, **({} if "url" in fields else {"api_key": "sk-upstream-for-tests"})})
            arn = secrets.create_secret(Name=name, SecretString=text)["ARN"]
            if name in TEMPLATE["Parameters"]:
                self.given[name] = arn
        secrets.create_secret(Name="MasterKey", SecretString=MASTER_KEY)

    def _make_buckets_and_queues(self) -> None:
        s3 = self.session.client("s3")
        for name in ("IngestBucket", "ExportBucket", "artifacts"):
            place = self.places[name] = name.lower()
            s3.create_bucket(Bucket=place, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket=self.places["IngestBucket"], VersioningConfiguration={"Status": "Enabled"})
        for name, text in OBJECTS.items():
            s3.put_object(Bucket="artifacts", Key=name, Body=text.encode())
            self.given[name] = f"s3://artifacts/{name}"
        for name, resource in RESOURCES.items():
            if resource["Type"] == "AWS::SQS::Queue":
                fifo = resource["Properties"].get("FifoQueue", False)
                named: Any = {"QueueName": f"{name}.fifo", "Attributes": {"FifoQueue": "true"}}
                made = self.sqs.create_queue(**(named if fifo else {"QueueName": name}))
                self.places[name] = made["QueueUrl"]

    def send(self, queue: str, body: str) -> None:
        """Put a message into a queue."""
        url = self.places[queue]
        group: Any = {"MessageGroupId": "g", "MessageDeduplicationId": body} if url.endswith(".fifo") else {}
        self.sqs.send_message(QueueUrl=url, MessageBody=body, **group)

    def received(self, queue: str) -> dict[str, Any]:
        """The next message of a queue, as Lambda hands it over."""
        url = self.places[queue]
        (message,) = self.sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)["Messages"]
        return {
            "eventSource": "aws:sqs",
            "eventSourceARN": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{url.rpartition('/')[2]}",
            "messageId": message["MessageId"],
            "receiptHandle": message["ReceiptHandle"],
            "body": message["Body"],
            "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "g"},
        }

    def remove_what_exports_need(self) -> None:
        """From now on, no record can be delivered."""
        bucket = self.session.resource("s3").Bucket(self.places["ExportBucket"])
        bucket.objects.delete()
        bucket.delete()
        self.session.client("dynamodb").delete_table(TableName="Table")
        self.session.client("events").delete_event_bus(Name="IngestBus")

    def environment(self, function: str) -> dict[str, str]:
        """What a function is told."""
        named = {name: _named(value) for name, value in variables(function, self.given).items()}
        told = {name: self.places.get(value, value) for name, value in named.items()}
        return {**told, "AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}

    @contextmanager
    def running(self, function: str, transport: Transport) -> Iterator[Any]:
        """The handler of a function that has just started. What it asks of AWS meanwhile is written down."""
        with pytest.MonkeyPatch.context() as changed:
            for name, value in self.environment(function).items():
                changed.setenv(name, value)
            changed.setattr("vectorgate.providers.http.transport.PooledTransport", lambda *_, **__: transport)
            core = botocore.session.get_session()
            core.register("before-parameter-build", partial(self._note, function))
            changed.setattr("boto3.DEFAULT_SESSION", boto3.Session(region_name=REGION, botocore_session=core))
            app = ROOT / "functions" / FOLDERS.get(function, function.lower()) / "app.py"
            _forget()
            try:
                yield runpy.run_path(str(app))["handler"]
            finally:
                _forget()

    def _note(self, function: str, params: dict[str, Any], model: Any, **_: object) -> None:
        service = model.service_model.endpoint_prefix
        if service == "dynamodb":
            return
        names = {place: name for name, place in self.places.items()} | {v: k for k, v in self.given.items()}
        whole = f"s3://{params['Bucket']}/{params['Key']}" if "Key" in params else ""
        for action, about in rights_of(model.name, service, params):
            self.asked[function].add((action, names.get(whole) or names.get(about, about.partition(".")[0])))


@contextmanager
def account() -> Iterator[Account]:
    """An account for the block."""
    quicken()
    with mock_aws():
        yield Account()


def _named(value: str) -> str:
    """The resource that a part of the environment is about, or the text that it is."""
    if not value.startswith('{"Fn::GetAtt"'):
        return value
    ((name, _),) = json.loads(value).values()
    return str(name)


def _forget() -> None:
    """Have all be composed anew: what was is of another environment."""
    for module in [each for name, each in sys.modules.items() if name.startswith(COMPOSED)]:
        for made in vars(module).copy().values():
            if getattr(made, "__module__", "").startswith(COMPOSED) and hasattr(made, "cache_clear"):
                made.cache_clear()
