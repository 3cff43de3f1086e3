"""The composition of the ingest function's handler, for `bootstrap`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.aws.clients import AwsClients
from vectorgate.ingest.aws import READ_TIMEOUT_S, EventBridgeBus, S3Objects, SqsQueue
from vectorgate.ingest.ingestor import Ingestor
from vectorgate.ingest.sqs_handler import SqsBatchHandler

if TYPE_CHECKING:
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.persistence.stores import Deps
    from vectorgate.settings import IngestResources, Settings


def build_handler(settings: Settings, resources: IngestResources, deps: Deps, gateway: Gateway) -> SqsBatchHandler:
    """The handler of a queue's batches, between the deployment's `resources` and the gateway."""
    clients = AwsClients(region=settings.region, endpoint_url=settings.endpoint_url, read_s=READ_TIMEOUT_S)
    clients.opened("s3", "sqs", "events")
    ingestor = Ingestor(
        gateway=gateway,
        store=deps.stores.ingest,
        objects=S3Objects(clients),
        bus=EventBridgeBus(clients, resources.bus, clock=deps.clock, randomness=deps.randomness),
        senders=settings.senders,
        buckets={resources.bucket},
        clock=deps.clock,
    )
    queue = SqsQueue(clients, queue_url=resources.queue_url, failures_url=resources.failures_url)
    return SqsBatchHandler(ingestor, queue, deps.telemetry, deps.clock)
