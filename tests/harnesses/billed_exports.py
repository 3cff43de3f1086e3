"""What exports add to a settled row: naming it, where they are in order, queueing it, and delivering it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from tests.benchmarks.aws_costs import PRICES, both, share
from tests.helpers.call_recorder import KIB
from vectorgate.aws.clients import AwsClients
from vectorgate.clock import Random
from vectorgate.entrypoints.exporter import handler
from vectorgate.exports.aws import AT_ONCE, EventBridge, SqsExportQueue
from vectorgate.exports.build import ExporterApp
from vectorgate.exports.exporter import Exporter
from vectorgate.exports.fan_out import FanOut
from vectorgate.exports.names import EVENTBRIDGE, IN_ORDER
from vectorgate.persistence.dynamodb.rollups import has_sums

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.benchmarks.aws_costs import Usage
    from tests.harnesses.dynamodb_gateway import DynamoDbGateway
    from vectorgate.exports.record import Record

    Item = dict[str, Any]

BILLED: Final = 64 * KIB  # of a request of a queue, and of an event


@dataclass
class Taking:
    """A destination that takes everything."""

    name: str
    at_once: int = AT_ONCE

    def deliver(self, records: Sequence[Record]) -> None:
        """Take them."""


class BilledExporter:
    """The exporter with one destination on the harness's emulated account. It counts `requests` of the queue, `events`.

    A message without order is received alone, as they come: one from each shard of the stream.
    """

    def __init__(self, harness: DynamoDbGateway, name: str) -> None:
        self._harness, self._in_order = harness, name in IN_ORDER
        self._clients, self._queue = AwsClients(region="us-east-1"), f"{name}.fifo" if self._in_order else name
        sqs, events = self._clients.sqs, self._clients.events
        kind: Any = {"FifoQueue": "true"} if self._in_order else {}
        self._url = sqs.create_queue(QueueName=self._queue, Attributes=kind)["QueueUrl"]
        events.create_event_bus(Name=name)
        self.requests = self.events = 0.0
        for client in (sqs, events):
            harness.recorder.leave_out(client)
            client.meta.events.register("before-parameter-build", self._count)
        queues = {name: SqsExportQueue(self._clients, url=self._url, failures_url=self._url)}
        found = EventBridge(self._clients, name) if name == EVENTBRIDGE else Taking(name)
        telemetry = harness.deps.telemetry
        self._app = ExporterApp(
            FanOut(harness.stores.ledger, queues, telemetry),
            Exporter(queues, {name: found}, Random(lambda bits: 1 << (bits - 1)), telemetry),
            {self._queue: name},
        )

    def _count(self, params: dict[str, Any], model: Any, **_: object) -> None:
        if model.name == "SendMessageBatch":
            self.requests += _billed(each["MessageBody"] for each in params["Entries"])
        if model.name == "PutEvents":
            self.events += sum(_billed([each["Detail"]]) for each in params["Entries"])

    def exported(self, images: Sequence[Item], rows: int, used: Callable[[Callable[[], None]], Usage]) -> Usage:
        """A row's share of what it uses for a batch of the stream, until its records are delivered."""
        changes = [{"SequenceNumber": str(at), "NewImage": item} for at, item in enumerate(images)]
        total = used(partial(self._handle, [{"eventSource": "aws:dynamodb", "dynamodb": each} for each in changes]))
        while messages := self._received():
            self.requests += 1 + _billed(message["body"] for message in messages)  # it deletes them by one more
            total = both(total, used(partial(self._handle, messages)))
        polls = PRICES["assumed"]["queue_polls_per_second"] / PRICES["assumed"]["requests_per_second"]
        kind = "fifo_messages" if self._in_order else "messages"
        return share(replace(total, events=self.events, **{kind: self.requests + rows * polls}), rows)

    def named(self) -> list[Item]:
        """What Lambda reads of the table's stream in order: items that name the rows of new stores."""
        return [item for item in self._items() if "settled" in item and not has_sums(item)]

    def settled(self, rows: int) -> list[Item]:
        """What Lambda reads of the table's stream without order: settled rows of creates."""
        (*_, row) = [item for item in self._items() if item.get("operation") == {"S": "vector_stores.create"}]
        assert row["state"] == {"S": "settled"}
        ids = [f"{row['id']['S'][:-4]}{number:04x}" for number in range(rows)]
        return [{**row, "PK": {"S": f"OP#{id_}"}, "id": {"S": id_}} for id_ in ids]

    def _items(self) -> list[Item]:
        items: list[Item] = self._harness.table.client.scan(TableName=self._harness.table.name)["Items"]
        return items

    def _received(self) -> list[dict[str, Any]]:
        most = AT_ONCE if self._in_order else 1
        answer = self._clients.sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=most, WaitTimeSeconds=0)
        return [
            {
                "eventSource": "aws:sqs",
                "eventSourceARN": f"arn:aws:sqs:us-east-1:123456789012:{self._queue}",
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": {"ApproximateReceiveCount": "1", "MessageGroupId": "g"},
            }
            for message in answer.get("Messages", ())
        ]

    def _handle(self, records: list[dict[str, Any]]) -> None:
        assert handler.bound_to(self._app)({"Records": records}, None) == {"batchItemFailures": []}


def _billed(texts: Any) -> int:
    return -(-sum(len(text) for text in texts) // BILLED)
