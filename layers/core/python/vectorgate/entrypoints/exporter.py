"""The exporter: from the table's stream to the queue of each destination, and from each queue to its destination.

Of an event of the stream and of a queue, the records that failed are returned. `{"check": "<destination>"}` delivers a
test record, past the queue: the admin function has none of the destinations' secrets.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from vectorgate.aws.clients import AwsClients
from vectorgate.bootstrap import (
    deployed_secrets,
    deployed_settings,
    deployed_telemetry,
    system_clock,
    system_random,
)
from vectorgate.classes import dataclass
from vectorgate.entrypoints.function import Event, Function
from vectorgate.exports import settings as configuration
from vectorgate.exports.aws import EventBridge, S3Sink, SqsExportQueue
from vectorgate.exports.composition import AlertSources, Egress, http_destinations
from vectorgate.exports.delivery import checked
from vectorgate.exports.exporter import Exporter, Received
from vectorgate.exports.fan_out import FanOut
from vectorgate.exports.lines import Lines
from vectorgate.exports.names import EVENTBRIDGE, S3
from vectorgate.exports.queues import Message
from vectorgate.exports.record import check_record
from vectorgate.persistence.dynamodb import DynamoBudgets, DynamoKeys, DynamoLedger, DynamoTable
from vectorgate.persistence.dynamodb.alerts import DynamoAlertLog
from vectorgate.persistence.dynamodb.stream import settled_ids
from vectorgate.providers.http.transport import PooledTransport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.exports.ports import Destination
    from vectorgate.exports.settings import ExportSettings

Result: TypeAlias = "Mapping[str, object]"


@dataclass(frozen=True, slots=True)
class ExporterApp:
    """Both halves. `queues`: the destination of each queue, by the queue's name."""

    fan_out: FanOut
    exporter: Exporter
    queues: Mapping[str, str]


def act(event: Event, app: ExporterApp) -> Result:
    """Handle one event. ValueError for one of another kind."""
    check = event.get("check")
    if check is not None:
        return _checked(str(check), app)
    records = cast("list[dict[str, Any]]", event.get("Records", ()))
    if not records:
        raise ValueError("an event without records")
    if records[0].get("eventSource") == "aws:dynamodb":
        changes = settled_ids(event)
        return _failed(app.fan_out.send(changes) if changes else [])
    destination = app.queues[str(records[0]["eventSourceARN"]).rpartition(":")[2]]
    return _failed(app.exporter.handle(destination, [_received(record) for record in records]))


def _checked(destination: str, app: ExporterApp) -> Result:
    chosen = app.exporter.destinations
    if destination not in chosen:
        return {"chosen": sorted(chosen)}
    found = checked(chosen[destination], check_record(system_clock(), system_random()))
    return {"delivered": True} if found.error is None else {"error": found.error}


def _failed(identifiers: list[str]) -> Result:
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in identifiers]}


def _received(record: Mapping[str, Any]) -> Received:
    system = record["attributes"]
    message = Message(str(record["messageId"]), str(system.get("MessageGroupId", "")), str(record["body"]))
    return Received(
        receipt=str(record["receiptHandle"]),
        message=message,
        attempts=int(system["ApproximateReceiveCount"]),
    )


@cache
def deployed_exporter() -> ExporterApp:
    """The app of the exporter function."""
    settings, chosen, telemetry = deployed_settings(), configuration.from_environment(), deployed_telemetry()
    region, endpoint_url = settings.region, settings.endpoint_url
    clients = AwsClients(region=region, endpoint_url=endpoint_url).opened("sqs")
    clock, randomness = system_clock(), system_random()
    table = DynamoTable(settings.table, clock=clock, randomness=randomness, region=region, endpoint_url=endpoint_url)
    table.opened()
    queues = {
        name: SqsExportQueue(clients, url=urls.queue, failures_url=urls.failures)
        for name, urls in chosen.queues.items()
    }
    return ExporterApp(
        fan_out=FanOut(DynamoLedger(table), queues, telemetry),
        exporter=Exporter(queues, _destinations(chosen, clients, table), randomness, telemetry),
        queues={urls.queue.rpartition("/")[2]: name for name, urls in chosen.queues.items()},
    )


def _destinations(chosen: ExportSettings, clients: AwsClients, table: DynamoTable) -> Mapping[str, Destination]:
    settings, clock = deployed_settings(), system_clock()
    egress = Egress(
        transport=PooledTransport(clock),
        source=deployed_secrets(),
        secrets=chosen.secrets,
        clock=clock,
        plain_http=settings.plain_http,
    )
    sources = AlertSources(DynamoKeys(table), DynamoBudgets(table), DynamoAlertLog(table))
    found = http_destinations(egress, sources, settings.service)
    if chosen.bus is not None:
        found[EVENTBRIDGE] = EventBridge(clients, chosen.bus)
    if chosen.bucket is not None:
        found[S3] = Lines(S3Sink(clients, chosen.bucket), S3)
    return found


handler = Function(act, deployed_exporter)
