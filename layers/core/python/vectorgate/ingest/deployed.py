"""The ingest function's parts, out of the deployment's environment."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Final

from vectorgate import bootstrap_runtime as runtime
from vectorgate.bootstrap import build_gateway
from vectorgate.ingest.aws import Clients, EventBridgeBus, S3Objects, SqsMail
from vectorgate.ingest.inbox import Inbox
from vectorgate.ingest.ingestor import Ingestor
from vectorgate.api.operations import UPLOAD_BODY
from vectorgate.providers.http.transport import PooledTransport

_TOO_LARGE: Final = "File too large: the provider takes 512 MB."


@cache
def deployed_inbox() -> Inbox:
    """The ingest function."""
    given = runtime.deployed_settings()
    places = given.ingest
    if places is None:
        raise ValueError("the settings VECTORGATE_INGEST_BUCKET, _BUS, _QUEUE and _FAILURES are missing")
    settings = replace(given, max_upload=UPLOAD_BODY, too_large=_TOO_LARGE)
    ports = runtime.deployed_ports(PooledTransport(runtime.system_clock()))
    clients = Clients(region=settings.region, endpoint_url=settings.endpoint_url)
    ingestor = Ingestor(
        gateway=build_gateway(settings, ports),
        store=ports.stores.ingest,
        objects=S3Objects(clients),
        bus=EventBridgeBus(clients, places.bus, clock=ports.clock, chance=ports.chance),
        senders=settings.senders,
        buckets={places.bucket},
        clock=ports.clock,
    )
    mail = SqsMail(clients, queue_url=places.queue_url, failures_url=places.failures_url)
    return Inbox(ingestor, mail, ports.telemetry, ports.clock)
