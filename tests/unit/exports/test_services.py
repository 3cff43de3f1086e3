"""The exporter's queues, events and objects, on an emulated account."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Final, cast

import pytest
from moto import mock_aws

from tests.factories.ledger import answered, begun, settled
from vectorgate.aws.clients import AwsClients
from vectorgate.exports.aws import EventBridge, S3Sink, SqsExportQueue, batches
from vectorgate.exports.lines import Lines
from vectorgate.exports.ports import DeliveryFailed
from vectorgate.exports.queues import Message, QueueUnavailable, message_of
from vectorgate.exports.record import record_of
from vectorgate.ids import ObjectId

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.exports.record import Record

REGION: Final = "eu-central-1"


def record(number: int, **fields: Any) -> Record:
    """A record of a store."""
    return record_of(settled(answered(begun(number), vector_store_id=ObjectId("vs_1"), **fields)))


def test_no_two_messages_of_a_group_are_in_one_batch() -> None:
    messages = [Message(str(at), group, "") for at, group in enumerate("aabcadefghijklmn")]
    found = batches(messages)
    assert [message for batch in found for message in batch] == messages
    for batch in found:
        assert len({message.group for message in batch}) == len(batch) <= 10
    assert batches([]) == []


@pytest.fixture
def clients(monkeypatch: pytest.MonkeyPatch) -> Iterator[AwsClients]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        yield AwsClients(region=REGION).opened("sqs")


def test_a_fifo_queue_gives_a_stores_records_in_their_order_and_drops_what_it_knows(clients: AwsClients) -> None:
    urls = [
        clients.sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true"})["QueueUrl"]
        for name in ("gate.fifo", "dead.fifo")
    ]
    queue = SqsExportQueue(clients, url=urls[0], failures_url=urls[1])
    messages = [cast("Message", message_of(record(at), "webhook")) for at in range(12)]
    queue.send(messages)
    queue.send(messages[:3])
    received: list[str] = []
    while len(received) < 12:
        (message,) = clients.sqs.receive_message(QueueUrl=urls[0], MaxNumberOfMessages=1)["Messages"]
        received.append(message["Body"])
        queue.put_off(message["ReceiptHandle"], 0)
        clients.sqs.delete_message(QueueUrl=urls[0], ReceiptHandle=message["ReceiptHandle"])
    assert received == [message.body for message in messages]
    assert "Messages" not in clients.sqs.receive_message(QueueUrl=urls[0])
    queue.set_aside(messages[0], "status 400")
    (dead,) = clients.sqs.receive_message(QueueUrl=urls[1], MessageAttributeNames=["All"])["Messages"]
    assert dead["Body"] == messages[0].body
    assert dead["MessageAttributes"]["reason"]["StringValue"] == "status 400"
    gone = SqsExportQueue(clients, url=urls[0].replace("gate", "gone"), failures_url=urls[1])
    with pytest.raises(QueueUnavailable, match=r"NonExistentQueue|QueueDoesNotExist"):
        gone.send(messages)


def test_records_are_in_events_of_a_bus_and_objects_of_a_bucket(clients: AwsClients) -> None:
    clients.events.create_event_bus(Name="gate")
    target = clients.sqs.create_queue(QueueName="events")["QueueUrl"]
    arn = clients.sqs.get_queue_attributes(QueueUrl=target, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = json.dumps({"source": ["vectorgate"], "detail-type": ["Usage Records"]})
    clients.events.put_rule(Name="all", EventBusName="gate", EventPattern=pattern)
    clients.events.put_targets(Rule="all", EventBusName="gate", Targets=[{"Id": "queue", "Arn": arn}])
    teams = (None, "red", "blue", "red", *["green"] * 12)
    found = [record(at, team_id=team, tags=("t" * 25_000,) * (team == "green")) for at, team in enumerate(teams)]
    EventBridge(clients, "gate").deliver(found)
    details = [
        json.loads(message["Body"])["detail"]["records"]
        for message in clients.sqs.receive_message(QueueUrl=target, MaxNumberOfMessages=10)["Messages"]
    ]
    expected = [found[:1], [found[1], found[3]], found[2:3], *(found[at : at + 2] for at in range(4, 16, 2))]
    assert sorted(details, key=str) == sorted(expected, key=str)
    clients.s3.create_bucket(Bucket="lines", CreateBucketConfiguration={"LocationConstraint": REGION})
    Lines(S3Sink(clients, "lines"), "s3").deliver([found[0], record(2)])
    (kept,) = clients.s3.list_objects_v2(Bucket="lines")["Contents"]
    assert kept["Key"].startswith("usage/day=2026-03-04/")
    content = gzip.decompress(clients.s3.get_object(Bucket="lines", Key=kept["Key"])["Body"].read())
    assert json.loads(content.splitlines()[0]) == found[0]
    with pytest.raises(DeliveryFailed, match="NoSuchBucket"):
        S3Sink(clients, "absent").put("a", b"")
