"""The exporter: from the table's stream to the queue of each destination, and from each queue to its destination.

Of an event of the stream and of a queue, the records that failed are returned. `{"check": "<destination>"}` delivers a
test record, past the queue: the admin function has none of the destinations' secrets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

from vectorgate.bootstrap import deployed_exporter, system_clock, system_random
from vectorgate.entrypoints.function import Event, Function
from vectorgate.exports.delivery import checked
from vectorgate.exports.exporter import Received
from vectorgate.exports.queues import Message
from vectorgate.exports.record import check_record
from vectorgate.persistence.dynamodb.stream import settled_entries, settled_ids

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.exports.build import ExporterApp

Result: TypeAlias = "Mapping[str, object]"


def act(event: Event, app: ExporterApp) -> Result:
    """Handle one event. ValueError for one of another kind."""
    check = event.get("check")
    if check is not None:
        return _checked(str(check), app)
    records = cast("list[dict[str, Any]]", event.get("Records", ()))
    if not records:
        raise ValueError("an event without records")
    if records[0].get("eventSource") == "aws:dynamodb":
        named, settled = settled_ids(event), settled_entries(event)
        return _failed(app.fan_out.send(named, settled) if named or settled else [])
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


handler = Function(act, deployed_exporter)
