"""No content of a file, a query, a response or a name of an object is in what any destination gets."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from openai import BadRequestError

from tests.fakes.openai_responses import TEXT
from tests.fakes.receiver import Receiver
from tests.harnesses.exports import SIGNING_KEY, settling
from tests.helpers.canary import holds_a_piece
from vectorgate.aws.clients import AwsClients
from vectorgate.exports.aws import EventBridge
from vectorgate.exports.queues import message_of
from vectorgate.exports.record import record_of
from vectorgate.ledger.entry import State

if TYPE_CHECKING:
    from pathlib import Path

    from openai import OpenAI

    from tests.harnesses.gateway import Connect, GatewayHarness
    from vectorgate.ledger.entry import LedgerEntry

CANARY = "xylophone-quartz-71f3"
SECRET = "sk-of-the-canary"


def use_everything(client: OpenAI) -> None:
    """Calls that each have the canary where a caller puts contents and names."""
    name = f"{CANARY}.md"
    file = client.files.create(file=(name, f"# {CANARY}".encode()), purpose="assistants")
    client.files.content(file.id)
    store = client.vector_stores.create(name=CANARY, description=CANARY, metadata={"note": CANARY})
    client.vector_stores.files.create(store.id, file_id=file.id, attributes={"note": CANARY})
    client.vector_stores.search(store.id, query=CANARY)
    client.vector_stores.update(store.id, name=CANARY)
    tools: Any = [{"type": "file_search", "vector_store_ids": [store.id]}]
    client.responses.create(model="gpt-5-mini", input=CANARY, instructions=CANARY, tools=tools)
    with pytest.raises(BadRequestError):
        client.vector_stores.search(store.id, query=CANARY, extra_body={"max_num_results": CANARY})
    client.vector_stores.delete(store.id)


class KeptEvents:
    """EventBridge's client, which keeps its entries."""

    def __init__(self) -> None:
        self.entries: list[Any] = []

    def put_events(self, Entries: list[Any]) -> Any:  # noqa: N803 - boto3's own
        """Take every entry."""
        self.entries += Entries
        return {"Entries": [{} for _ in Entries]}


def events_of(rows: list[LedgerEntry]) -> str:
    """The events of these rows."""
    clients, kept = AwsClients(region="eu-central-1"), KeptEvents()
    cast("Any", clients).__dict__["events"] = kept
    EventBridge(clients, "gate").deliver([record_of(row) for row in rows])
    return json.dumps(kept.entries)


def test_no_destination_gets_a_content_a_query_or_a_name(
    harness: GatewayHarness, connect: Connect, tmp_path: Path
) -> None:
    harness.key(SECRET, team="red", models=("*",))
    use_everything(connect(SECRET))
    rows = [row for row in harness.rows() if row.state is State.ANSWERED]
    assert {"files.create", "vector_stores.create", "vector_stores.search", "responses.create"} <= {
        row.operation for row in rows
    }
    with Receiver() as receiver:
        environment = {
            "VECTORGATE_EXPORT_WEBHOOK": f"{receiver.url}/webhook",
            "VECTORGATE_EXPORT_WEBHOOK_KEY": SIGNING_KEY,
            "VECTORGATE_EXPORT_OTLP": receiver.url,
            "VECTORGATE_EXPORT_SLACK": f"{receiver.url}/slack",
            "VECTORGATE_EXPORT_FOLDER": str(tmp_path),
        }
        with settling(environment) as settled:
            for row in rows:
                settled.stores.ledger.begin(row)
            settled.settle(0)
            settled.tick()
    (file,) = tmp_path.rglob("*.jsonl.gz")
    messages = [str(message_of(record_of(row), "webhook")) for row in rows]
    payloads = [*messages, events_of(rows), gzip.decompress(file.read_bytes()).decode()]
    payloads += [got.body.decode("utf-8", "replace") for got in receiver.got]
    assert {got.path for got in receiver.got} == {"/webhook", "/v1/traces"}
    assert len(payloads) > 2 * len(rows)
    for payload in payloads:
        assert "vector_store" in payload or "files" in payload or "responses" in payload
        for secret in (CANARY, TEXT, SECRET):
            assert not holds_a_piece(payload, secret), payload
