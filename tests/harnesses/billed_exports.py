"""What exports to EventBridge, which are on by default, add to a settled row: naming it, queueing it, and its event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from vectorgate.aws.clients import AwsClients
from vectorgate.clock import Random
from vectorgate.entrypoints.exporter import handler
from vectorgate.exports.aws import AT_ONCE, EventBridge, SqsExportQueue
from vectorgate.exports.build import ExporterApp
from vectorgate.exports.exporter import Exporter
from vectorgate.exports.fan_out import FanOut
from vectorgate.exports.names import EVENTBRIDGE
from vectorgate.persistence.dynamodb.rollups import has_sums

if TYPE_CHECKING:
    from tests.harnesses.dynamodb_gateway import DynamoDbGateway

QUEUE: Final = "counted.fifo"
ARN: Final = f"arn:aws:sqs:us-east-1:123456789012:{QUEUE}"


class BilledExporter:
    """The exporter on the harness's emulated account. It counts the requests by which it `sent`, and the `events`."""

    def __init__(self, harness: DynamoDbGateway) -> None:
        self._harness = harness
        self._clients = AwsClients(region="us-east-1")
        self._clients.events.create_event_bus(Name="counted")
        sqs = self._clients.sqs
        self._url = sqs.create_queue(QueueName=QUEUE, Attributes={"FifoQueue": "true"})["QueueUrl"]
        self.sent = self.events = 0
        for client in (sqs, self._clients.events):
            harness.recorder.leave_out(client)
            client.meta.events.register("before-parameter-build", self._count)
        queues = {EVENTBRIDGE: SqsExportQueue(self._clients, url=self._url, failures_url=self._url)}
        found, telemetry = {EVENTBRIDGE: EventBridge(self._clients, "counted")}, harness.deps.telemetry
        self.app = ExporterApp(
            FanOut(harness.stores.ledger, queues, telemetry),
            Exporter(queues, found, Random(lambda bits: 1 << (bits - 1)), telemetry),
            {QUEUE: EVENTBRIDGE},
        )

    def _count(self, params: dict[str, Any], model: Any, **_: object) -> None:
        self.sent += model.name == "SendMessageBatch"
        self.events += len(params["Entries"]) if model.name == "PutEvents" else 0

    def named(self) -> list[dict[str, Any]]:
        """What Lambda reads of the table's stream: the rows of new stores that were settled."""
        items = self._harness.table.client.scan(TableName=self._harness.table.name)["Items"]
        naming = [item for item in items if "settled" in item and not has_sums(item)]
        changes = [{"SequenceNumber": str(at), "NewImage": item} for at, item in enumerate(naming)]
        return [{"eventSource": "aws:dynamodb", "dynamodb": change} for change in changes]

    def batches(self) -> list[list[dict[str, Any]]]:
        """What Lambda receives of the queue, one list for each invocation."""
        found = []
        while messages := self._received():
            found.append(messages)
        return found

    def _received(self) -> list[dict[str, Any]]:
        answer = self._clients.sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=AT_ONCE, WaitTimeSeconds=0)
        return [
            {
                "eventSource": "aws:sqs",
                "eventSourceARN": ARN,
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "g"},
            }
            for message in answer.get("Messages", ())
        ]

    def handle(self, records: list[dict[str, Any]]) -> None:
        """Handle one event."""
        assert handler.bound_to(self.app)({"Records": records}, None) == {"batchItemFailures": []}
