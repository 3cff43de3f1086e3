"""Payloads and events that are no HTTP requests: invocations, batches of queues and of the stream, schedules."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tests.fakes.bucket import BUCKET
from tests.fuzz import hostile
from vectorgate.api.operations import OPERATIONS

if TYPE_CHECKING:
    import random

EVENTS: Final = Path(__file__).parents[2] / "events"
FIELDS: Final = (
    *(
        "operation",
        "api_key",
        "body",
        "query",
        "vector_store_id",
        "file_id",
        "headers",
        "team",
        "tags",
        "end_user",
        "encoding",
    ),
    *(
        "idempotency_key",
        "provider",
        "filename",
        "content",
        "batch_id",
        "timeout",
        "user",
        "response_id",
        "model",
        "index",
    ),
)


QUEUE: Final = "gate-export-{}.fifo"
_BUCKET: Final = re.compile(r"vectorgate-ingest-[0-9a-f-]{36}")


@cache
def _samples(pattern: str) -> list[str]:
    return [path.read_text("utf-8") for path in sorted(EVENTS.glob(pattern))]


def sample(pattern: str, rng: random.Random) -> Any:
    """One of the repository's events, anew."""
    return json.loads(rng.choice(_samples(pattern)))


def invocation(key: str, rng: random.Random) -> Any:
    """A payload of an operation, or any JSON."""
    if rng.random() < 0.1:
        return hostile.value(rng)
    payload: dict[str, Any] = sample("invoke_*.json", rng) if rng.random() < 0.3 else {}
    payload |= {"operation": rng.choice(OPERATIONS).name, "api_key": key}
    for _ in range(rng.randint(0, 4)):
        payload[rng.choice(FIELDS)] = hostile.value(rng)
    return hostile.altered(payload, rng) if rng.random() < 0.5 else payload


def ingest_batch(rng: random.Random) -> dict[str, Any]:
    """A batch of the ingest queue. What SQS writes is as SQS writes it; what a sender wrote may be anything."""
    event: dict[str, Any] = sample("ingest_*.json", rng)
    for record in event["Records"]:
        body = json.loads(record["body"])
        if rng.random() < 0.8:
            body = hostile.altered(body, rng)
        record["body"] = json.dumps(body) if rng.random() < 0.9 else hostile.text(rng)
        record["body"] = _BUCKET.sub(BUCKET, record["body"])
        if rng.random() < 0.2:
            name = rng.choice(("first_seen", "attempts", "reason"))
            record["messageAttributes"] = {name: {"stringValue": hostile.text(rng), "dataType": "String"}}
    return event


def settlement_batch(rng: random.Random) -> dict[str, Any]:
    """A batch of the table's stream for the usage logger."""
    return _stream_batch("usage_logger_stream.json", rng)


def fan_out_batch(rng: random.Random) -> dict[str, Any]:
    """A batch of the table's stream for the exporter."""
    return _stream_batch("exporter_stream.json", rng)


def _stream_batch(pattern: str, rng: random.Random) -> dict[str, Any]:
    """Some rows have attributes of a later release, of the types that our rows have."""
    event: dict[str, Any] = sample(pattern, rng)
    for record in event["Records"]:
        image = record["dynamodb"].get("NewImage")
        if image and rng.random() < 0.7:
            image[f"later_{rng.randint(0, 9)}"] = _attribute(rng)
        if rng.random() < 0.2:
            record["dynamodb"].pop("NewImage", None)
    return event


def _attribute(rng: random.Random) -> dict[str, Any]:
    kinds: tuple[dict[str, Any], ...] = (
        {"S": hostile.text(rng)},
        {"N": str(rng.choice((0, -1, 2**63)))},
        {"BOOL": True},
        {"L": [{"S": hostile.text(rng)}]},
        {"M": {"a": {"S": hostile.text(rng)}}},
    )
    return rng.choice(kinds)


def export_batch(rng: random.Random) -> dict[str, Any]:
    """A batch of a destination's queue, whose bodies may be anything."""
    event: dict[str, Any] = sample("exporter_queue.json", rng)
    source = "arn:aws:sqs:eu-central-1:123456789012:" + QUEUE.format(rng.choice(("webhook", "otel", "slack")))
    for record in event["Records"]:
        record["eventSourceARN"] = source
        try:
            body = json.loads(record["body"])
            body = hostile.altered({"records": [body, body]} if rng.random() < 0.3 else body, rng)
        except ValueError:
            body = hostile.value(rng)
        record["body"] = json.dumps(body) if rng.random() < 0.9 else hostile.text(rng)
    return event


def tick(rng: random.Random) -> Any:
    """EventBridge's event of a schedule."""
    event = sample("meter_schedule.json", rng)
    return {**event, "detail": hostile.value(rng), rng.choice(("time", "resources", "account")): hostile.value(rng)}
