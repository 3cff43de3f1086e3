"""Ingest one large object as the deployed function does, and print the peak of memory in bytes.

`python -m tests.harnesses.large_object <endpoint of AWS and of the provider> <key>`: a process of its own, because a
peak is a process's. The table alone is SQLite's; S3, SQS and the secret are reached by boto3, over a socket.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final

from vectorgate import bootstrap
from vectorgate.aws.clients import AwsClients
from vectorgate.bootstrap import deployed_ingest
from vectorgate.persistence.dynamodb.table import DynamoTable
from vectorgate.persistence.sqlite import open_stores

ROOT: Final = Path(__file__).parents[2]
REGION: Final = "eu-central-1"
BUCKET: Final = "ingest"
SENDER: Final = "red"


def environment(endpoint: str) -> dict[str, str]:
    """Return the environment of the function as the template sets it, with an endpoint in place of AWS."""
    return {
        "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "VECTORGATE_AWS_ENDPOINT": endpoint,
        "VECTORGATE_PLAIN_HTTP": "1",
        "VECTORGATE_TABLE": "table",
        "VECTORGATE_SECRET_OPENAI": "secret",
        "VECTORGATE_INGEST_BUCKET": BUCKET,
        "VECTORGATE_INGEST_BUS": "bus",
        "VECTORGATE_INGEST_QUEUE": f"{endpoint}/queue",
        "VECTORGATE_INGEST_FAILURES": f"{endpoint}/failures",
        "VECTORGATE_INGEST_SENDERS": json.dumps({SENDER: "red"}),
    }


def created(key: str) -> Any:
    """Return the message of the queue which says that an object was put."""
    event = json.loads((ROOT / "events" / "ingest_s3_created.json").read_text())
    message = json.loads(event["Records"][0]["body"])
    message["Records"][0]["s3"]["bucket"]["name"] = BUCKET
    message["Records"][0]["s3"]["object"]["key"] = key
    event["Records"][0]["body"] = json.dumps(message)
    return event


def main(endpoint: str, key: str) -> None:
    """Ingest the object."""
    os.environ.update(environment(endpoint))
    clock, randomness = bootstrap.system_clock(), bootstrap.system_random()
    # The function also has clients of its table and its bus, which are not called here.
    table = DynamoTable("table", clock=clock, randomness=randomness, region=REGION, endpoint_url=endpoint)
    unused = (table.client, AwsClients(region=REGION, endpoint_url=endpoint).events)
    stores = open_stores()
    bootstrap.deployed_stores = lambda: stores  # type: ignore[assignment]
    result = deployed_ingest().handle(created(key))
    if result["batchItemFailures"]:
        raise SystemExit(f"not ingested: {result}")
    stores.close()
    del unused
    sys.stdout.write(f"{peak()}\n")


def peak() -> int:
    """Return the peak of memory in bytes. Not `ru_maxrss`, which starts at what the parent process had at the fork."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
