"""What the exporter asks of AWS, against what its role allows: all of it, and nothing that it never asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import boto3
import pytest
from moto import mock_aws

from tests.factories.ledger import KEY, answered, begun, settled
from tests.fakes.clock import EPOCH, FakeClock
from tests.fakes.telemetry import RecordingTelemetry
from tests.harnesses.store_backends import MotoBackend
from tests.helpers.template import listed, statements
from tests.integration.gateway.test_roles import parts, refused
from vectorgate.api.http import Body
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.aws.clients import AwsClients
from vectorgate.budgets.model import Account, BudgetScope, Limit, Subject
from vectorgate.clock import Random
from vectorgate.entrypoints.exporter import handler
from vectorgate.exports.aws import EventBridge, S3Sink, SqsExportQueue
from vectorgate.exports.build import ExporterApp
from vectorgate.exports.composition import AlertSources, Egress, http_destinations
from vectorgate.exports.exporter import Exporter
from vectorgate.exports.fan_out import FanOut
from vectorgate.exports.lines import Lines
from vectorgate.exports.record import record_of
from vectorgate.persistence.dynamodb import stores_of
from vectorgate.persistence.dynamodb.alerts import DynamoAlertLog
from vectorgate.persistence.dynamodb.schema import operation_item
from vectorgate.pricing.money import NanoUSD
from vectorgate.providers.base import UpstreamResponse
from vectorgate.providers.credentials import SecretsManager
from vectorgate.providers.http.outcome import Outcome, Replied

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.providers.base import UpstreamRequest

ROLE: Final = "ExporterRole"
REGION: Final = "eu-central-1"
NAMES: Final = ("eventbridge", "webhook", "otel", "slack", "s3")
# What Lambda does in the function's name, and what a deployment without these options does not do.
LAMBDAS_OWN: Final = frozenset(
    {"ReadStream", "FindStream", "Log", "Trace", "AttachToVpc", "UseDataKey", "DecryptSecrets", "ReadPrices"}
)
OF_THE_MAPPING: Final = frozenset({"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"})
BATCHES: Final = {"sqs:SendMessageBatch": "sqs:SendMessage"}  # IAM's name for it
RED: Final = Account(Subject(BudgetScope.TEAM, "red"), "2026-03-01")


class Receiver:
    """A `Transport` to destinations, of which the webhook fails."""

    def close(self) -> None:
        """There is no connection."""

    def send(self, request: UpstreamRequest, *, seconds: float) -> Outcome:
        """Return 200, or for the webhook 503."""
        del seconds
        status = 503 if "webhook" in request.url else 200
        return Replied(UpstreamResponse(status=status, headers={}, body=Body.of(b"")))


class Exporting:
    """The function on an emulated account, and what it asks of it."""

    def __init__(self) -> None:
        self.backend = MotoBackend()
        self.clients, self.asked = AwsClients(region=REGION), list[tuple[str, dict[str, Any]]]()
        sqs, secrets = self.clients.sqs, boto3.client("secretsmanager", region_name=REGION)
        self.clients.events.create_event_bus(Name="gate")
        self.clients.s3.create_bucket(Bucket="records", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.urls = {
            name: sqs.create_queue(QueueName=f"{name}.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
            for name in (*NAMES, "dead")
        }
        for name in ("webhook", "otel", "slack"):
            given = {"url": f"https://{name}.example/in"} | (
                {"signing_key": "whsec_" + "a2tr" * 8} if name == "webhook" else {}
            )
            secrets.create_secret(Name=name, SecretString=json.dumps(given))
        self.clock, self.stores = FakeClock(), stores_of(self.backend.table)
        self.app = self._app()
        self._listen()

    def _app(self) -> ExporterApp:
        queues = {
            name: SqsExportQueue(self.clients, url=self.urls[name], failures_url=self.urls["dead"]) for name in NAMES
        }
        self.source = SecretsManager(region=REGION)
        egress = Egress(
            transport=Receiver(), source=self.source, secrets={n: n for n in NAMES[1:4]}, clock=self.clock.clock()
        )
        log = DynamoAlertLog(self.backend.table)
        found = http_destinations(egress, AlertSources(self.stores.keys, self.stores.budgets, log))
        found |= {"eventbridge": EventBridge(self.clients, "gate"), "s3": Lines(S3Sink(self.clients, "records"), "s3")}
        telemetry, half = RecordingTelemetry(), Random(lambda bits: 1 << (bits - 1))
        return ExporterApp(
            FanOut(self.stores.ledger, queues, telemetry),
            Exporter(queues, found, half, telemetry),
            {f"{name}.fifo": name for name in NAMES},
        )

    def _listen(self) -> None:
        def note(params: dict[str, Any], model: Any, **_: object) -> None:
            service = model.service_model.endpoint_prefix
            self.asked.append((f"{service}:{model.name}", params))

        table = self.stores.ledger._table  # type: ignore[attr-defined]
        for client in (table.client, self.clients.sqs, self.clients.events, self.clients.s3, self.source.client):
            client.meta.events.register_first("before-parameter-build.*.*", note)

    def of_queue(self, name: str, *bodies: str) -> Any:
        """What the function returns for messages of a queue."""
        records = [
            {
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:{name}.fifo",
                "messageId": f"m{at}",
                "receiptHandle": self._received(name, body),
                "body": body,
                "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "g"},
            }
            for at, body in enumerate(bodies)
        ]
        return handler.bound_to(self.app)({"Records": records}, None)

    def _received(self, name: str, body: str) -> str:
        sqs, url = boto3.client("sqs", region_name=REGION), self.urls[name]
        sqs.send_message(
            QueueUrl=url, MessageBody=body, MessageGroupId="g", MessageDeduplicationId=str(len(self.asked))
        )
        (message,) = sqs.receive_message(QueueUrl=url, WaitTimeSeconds=0)["Messages"]
        return str(message["ReceiptHandle"])


@pytest.fixture
def exporting(monkeypatch: pytest.MonkeyPatch) -> Iterator[Exporting]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield Exporting()


def test_the_exporters_role_allows_what_it_asks_and_nothing_that_it_never_asks(exporting: Exporting) -> None:
    stores = exporting.stores
    limit = Limit(since=int(EPOCH), max_budget=NanoUSD(100), soft_budget=NanoUSD(10), duration="1mo", alias="red")
    stores.budgets.add_limit(RED.subject, limit)
    stores.budgets.set_spent(RED, NanoUSD(90))
    stores.keys.add_key(VirtualKey(id=KEY, created_at=int(EPOCH), max_budget=NanoUSD(5)))
    budgets = ("team/2026-03-01", "key/ever")
    entry = settled(answered(begun(1, team_id="red", budgets=budgets), vector_store_id=None))
    exporting.backend.table.put(operation_item(entry))
    exporting.asked.clear()
    stream = {"eventSource": "aws:dynamodb", "dynamodb": {"SequenceNumber": "1", "NewImage": operation_item(entry)}}
    assert handler.bound_to(exporting.app)({"Records": [stream]}, None) == {"batchItemFailures": []}
    record = json.dumps(record_of(entry))
    for name in NAMES:
        expected = [{"itemIdentifier": "m0"}] if name == "webhook" else []
        assert exporting.of_queue(name, record) == {"batchItemFailures": expected}, name
    exporting.of_queue("s3", "no record")
    assert asked_beyond(exporting) == (set(), set())


def asked_beyond(exporting: Exporting) -> tuple[set[Any], set[Any]]:
    """What was asked and is not allowed, and what is allowed and was not asked."""
    rows = [part for action, call in exporting.asked for part in _rows(action, call)]
    others = {BATCHES.get(action, action) for action, _ in exporting.asked if not action.startswith("dynamodb:")}
    own = [each for each in statements(ROLE) if each["Sid"] not in LAMBDAS_OWN]
    allowed = {action for each in own for action in listed(each["Action"])} - OF_THE_MAPPING
    granted = {
        (action, pattern.partition("#")[0])
        for each in own
        for action in listed(each["Action"])
        for pattern in listed(
            each.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", [])
        )
    }
    used = {(action, key.partition("#")[0]) for action, key, _ in rows}
    beyond = refused(ROLE, rows)
    unused = {action for action in allowed if not action.startswith("dynamodb:")} - others
    return beyond | (others - allowed), unused | (granted - used)


def _rows(action: str, call: dict[str, Any]) -> Iterator[tuple[str, str, frozenset[str]]]:
    service, _, name = action.partition(":")
    if service == "dynamodb":
        yield from parts(name, call)
