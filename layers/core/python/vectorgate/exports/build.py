"""The composition of the exporter function's app, for `bootstrap`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.aws.clients import AwsClients
from vectorgate.classes import dataclass
from vectorgate.exports.aws import EventBridge, S3Sink, SqsExportQueue
from vectorgate.exports.composition import http_destinations
from vectorgate.exports.exporter import Exporter
from vectorgate.exports.fan_out import FanOut
from vectorgate.exports.lines import Lines
from vectorgate.exports.names import EVENTBRIDGE, S3

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.clock import Random
    from vectorgate.exports.composition import AlertSources, Egress
    from vectorgate.exports.ports import Destination
    from vectorgate.exports.settings import ExportSettings
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.settings import Settings
    from vectorgate.telemetry import Telemetry


@dataclass(frozen=True, slots=True)
class ExporterApp:
    """Both halves: rows to queues, queues to destinations. `queues`: each queue's destination, by the queue's name."""

    fan_out: FanOut
    exporter: Exporter
    queues: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ExporterDeps:
    """What the exporter works with: settled rows, what reaches out over HTTP, what alerts read."""

    ledger: LedgerStore
    egress: Egress
    sources: AlertSources
    randomness: Random
    telemetry: Telemetry


def build_exporter(settings: Settings, chosen: ExportSettings, deps: ExporterDeps) -> ExporterApp:
    """The app for the destinations that a deployment has chosen."""
    clients = AwsClients(region=settings.region, endpoint_url=settings.endpoint_url).opened("sqs")
    queues = {
        name: SqsExportQueue(clients, url=urls.queue, failures_url=urls.failures)
        for name, urls in chosen.queues.items()
    }
    destinations = http_destinations(deps.egress, deps.sources, settings.service) | _of_aws(chosen, clients)
    return ExporterApp(
        fan_out=FanOut(deps.ledger, queues, deps.telemetry),
        exporter=Exporter(queues, destinations, deps.randomness, deps.telemetry),
        queues={urls.queue.rpartition("/")[2]: name for name, urls in chosen.queues.items()},
    )


def _of_aws(chosen: ExportSettings, clients: AwsClients) -> dict[str, Destination]:
    found: dict[str, Destination] = {}
    if chosen.bus is not None:
        found[EVENTBRIDGE] = EventBridge(clients, chosen.bus)
    if chosen.bucket is not None:
        found[S3] = Lines(S3Sink(clients, chosen.bucket), S3)
    return found
