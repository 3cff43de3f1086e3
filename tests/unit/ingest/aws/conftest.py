"""An emulated account with a bucket, two queues and a bus, and the adapters on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from moto import mock_aws

from tests.fakes.clock import FakeClock
from vectorgate.aws.clients import AwsClients
from vectorgate.clock import Random
from vectorgate.ingest.aws import EventBridgeBus, S3Objects, SqsQueue

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION: Final = "eu-central-1"
BUCKET = "ingest"
BUS = "gate"


@dataclass(frozen=True)
class Account:
    """The adapters, and the clients to check what they did. `slept`: the seconds of each pause of the bus."""

    clients: AwsClients
    objects: S3Objects
    sqs: SqsQueue
    bus: EventBridgeBus
    queue: str
    failures: str
    slept: list[float]

    def put(self, key: str, content: bytes, **more: Any) -> str:
        """Put an object, and return its version."""
        return str(self.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=content, **more)["VersionId"])

    def messages(self, queue: str) -> list[Any]:
        """Receive the messages of a queue."""
        received = self.clients.sqs.receive_message(
            QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"], WaitTimeSeconds=0
        )
        return list(received.get("Messages", []))


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with mock_aws():
        clients = AwsClients(region=REGION)
        clients.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        clients.s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        queue, failures = (clients.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("queue", "failures"))
        clients.events.create_event_bus(Name=BUS)
        time = FakeClock()
        yield Account(
            clients=clients,
            objects=S3Objects(clients),
            sqs=SqsQueue(clients, queue_url=queue, failures_url=failures),
            bus=EventBridgeBus(clients, BUS, clock=time.clock(), randomness=Random(lambda bits: 1 << (bits - 1))),
            queue=queue,
            failures=failures,
            slept=time.slept,
        )
