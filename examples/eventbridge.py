"""A store and a file for it, asked for by events: vectorgate's ingest function does it, and says so on the same bus.

Needs:   pip install boto3; a deployment whose parameter IngestSenders maps this `Source` to a team; and the permission
         events:PutEvents on its bus
Reads:   VECTORGATE_BUS (vectorgate), EVENT_SOURCE (com.example.crm), and boto3's own settings
Run it:  python examples/eventbridge.py file-abc123
"""

import json
import os
import sys
from typing import Any

import boto3


def entry(kind: str, **detail: Any) -> dict[str, str]:
    """One event of a kind that the ingest function knows. A field that it does not know is refused, not ignored."""
    return {
        "EventBusName": os.environ.get("VECTORGATE_BUS", "vectorgate"),
        "Source": os.environ.get("EVENT_SOURCE", "com.example.crm"),
        "DetailType": kind,
        "Detail": json.dumps(detail),
    }


def main(file_id: str) -> None:
    """Ask for a store, and for the file in it: the two may arrive in any order."""
    entries = [
        entry("VectorStore Create Requested", name="product-docs", metadata={"project": "examples"}),
        entry("File Attach Requested", name="product-docs", file_id=file_id, attributes={"region": "north"}),
    ]
    answer = boto3.client("events").put_events(Entries=entries)
    if answer["FailedEntryCount"]:
        raise SystemExit(json.dumps(answer["Entries"]))
    print(*(each["EventId"] for each in answer["Entries"]), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1])
