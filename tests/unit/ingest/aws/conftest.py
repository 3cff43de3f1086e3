"""An emulated account with a bucket, two queues and a bus, and the adapters on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from moto import mock_aws

from vectorgate.clock import Clock, Random
from vectorgate.ingest.aws import AwsClients, EventBridgeBus, S3Objects, SqsQueue

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION: Final = "eu-central-1"
BUCKET = "ingest"
BUS = "gate"


@dataclass(frozen=True)
class Account:
    """The adapters, and the clients to look behind them. `naps`: how long somebody slept."""

    clients: AwsClients
    objects: S3Objects
    mail: SqsQueue
    bus: EventBridgeBus
    queue: str
    failures: str
    naps: list[float]

    def put(self, key: str, content: bytes, **more: Any) -> str:
        """An object; its version."""
        return str(self.clients.s3.put_object(Bucket=BUCKET, Key=key, Body=content, **more)["VersionId"])

    def messages(self, queue: str) -> list[Any]:
        """What a consumer of a queue gets now."""
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
        naps: list[float] = []
        clock = Clock(wall=lambda: 0.0, monotonic=lambda: 0.0, sleep=naps.append)
        yield Account(
            clients=clients,
            objects=S3Objects(clients),
            mail=SqsQueue(clients, queue_url=queue, failures_url=failures),
            bus=EventBridgeBus(clients, BUS, clock=clock, randomness=Random(lambda bits: 1 << (bits - 1))),
            queue=queue,
            failures=failures,
            naps=naps,
        )
