"""Ingestion on the deployed stack: S3 and EventBridge in, attached files, settled records and result events out."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest
from openai import OpenAI

from tests.e2e.aws import ROOT, Stack, TookTooLong, eventually, sample
from vectorgate.ingest.model import ObjectRow
from vectorgate.persistence.dynamodb.codec import decoded

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.e2e.between import Between

# `make e2e OBJECTS=1000`: as many as one likes, which takes minutes.
OBJECTS: Final = int(os.environ.get("OBJECTS") or 60)
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240 + 2 * OBJECTS)]

# Two cold starts, a reminder after five seconds, and a machine that other tests share.
WITHIN: Final = 60.0 + OBJECTS
SOURCE: Final = "com.example.crm"


@dataclass(frozen=True)
class Ear:
    """A queue that hears what is on the bus."""

    stack: Stack
    url: str
    heard: list[dict[str, Any]]

    def hears(self, kind: str, **said: object) -> dict[str, Any]:
        """The detail of the first event of a kind that says so."""

        def found() -> dict[str, Any] | None:
            queue = self.stack.cloud.client("sqs")
            for message in queue.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
                self.heard.append(json.loads(message["Body"]))
                queue.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            for event in self.heard:
                if event["detail-type"] == kind and event["detail"].items() >= said.items():
                    assert event["source"] == "vectorgate"
                    return dict(event["detail"])
            return None

        return eventually(found, WITHIN, f"{kind} {said}")


@pytest.fixture(scope="module")
def ear(stack: Stack) -> Iterator[Ear]:
    """As docs/ingest.md has it. Afterwards no message is left, so that nothing happens while other tests count."""
    events, queues, bus = stack.cloud.client("events"), stack.cloud.client("sqs"), stack.outputs["IngestBusName"]
    url = queues.create_queue(QueueName="results")["QueueUrl"]
    arn = queues.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rule = events.put_rule(EventBusName=bus, Name="results", EventPattern=json.dumps({"source": ["vectorgate"]}))
    allow = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
        "Condition": {"ArnEquals": {"aws:SourceArn": rule["RuleArn"]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    queues.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    events.put_targets(EventBusName=bus, Rule="results", Targets=[{"Id": "queue", "Arn": arn}])
    yield Ear(stack, url, [])
    eventually(lambda: True if waiting(stack) == 0 else None, WITHIN, "every message is done")


def waiting(stack: Stack) -> int:
    """The messages in the queue: to come, under way, and delayed."""
    names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
    found = stack.cloud.client("sqs").get_queue_attributes(
        QueueUrl=stack.outputs["IngestQueueUrl"], AttributeNames=names
    )
    return sum(int(found["Attributes"][name]) for name in names)


@pytest.fixture(scope="module")
def provider(stack: Stack) -> Iterator[OpenAI]:
    with closing(stack.provider()) as made:
        yield made


@pytest.fixture(scope="module")
def client(stack: Stack, key: str) -> Iterator[OpenAI]:
    """Team red, through the front door."""
    base, host = f"{stack.cloud.url}/v1", {"Host": stack.host}
    with closing(OpenAI(api_key=key, base_url=base, default_headers=host, max_retries=0, timeout=60)) as made:
        yield made


def put(stack: Stack, kind: str, detail: object) -> str:
    """An application's event; its id."""
    entry = {
        "EventBusName": stack.outputs["IngestBusName"],
        "Source": SOURCE,
        "DetailType": kind,
        "Detail": json.dumps(detail),
    }
    answer = stack.cloud.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0, answer
    return str(answer["Entries"][0]["EventId"])


def records(stack: Stack, store_id: str, operation: str) -> list[dict[str, Any]]:
    """The settled rows of an operation on a store, once there are any."""

    def settled() -> list[dict[str, Any]] | None:
        rows = [
            row
            for row in stack.items("OP#")
            if row.get("vector_store_id") == {"S": store_id} and row["operation"] == {"S": operation}
        ]
        seen[:] = [(row["state"], row.get("status_code"), row.get("error_code")) for row in rows]
        return [row for row in rows if row["state"] == {"S": "settled"}] or None

    seen: list[Any] = []
    try:
        return eventually(settled, WITHIN, f"settled: {operation}")
    except TookTooLong as error:
        raise AssertionError(seen) from error


def test_objects_are_attached_to_one_store_of_the_folders_name_replaced_and_detached(
    stack: Stack, provider: OpenAI, client: OpenAI, ear: Ear
) -> None:
    s3, bucket = stack.cloud.client("s3"), stack.outputs["IngestBucketName"]
    for name in ("north sea.txt", "dead-sea.txt"):
        s3.put_object(
            Bucket=bucket,
            Key=f"red/tide-tables/{name}",
            Body=b"The tide turns at noon.",
            ContentType="text/plain",
            Metadata={"author": "ada"},
            Tagging="sea=north",
        )
    first = ear.hears("File Indexed", bucket=bucket, key="red/tide-tables/north sea.txt")
    ear.hears("File Indexed", bucket=bucket, key="red/tide-tables/dead-sea.txt")
    (store,) = [each for each in provider.vector_stores.list(limit=100) if each.name == "tide-tables"]
    assert first["vector_store_id"] == store.id
    assert client.vector_stores.retrieve(store.id).file_counts.completed == 2
    attached = provider.vector_stores.files.retrieve(first["file_id"], vector_store_id=store.id)
    assert attached.attributes == {"author": "ada", "sea": "north"}
    assert provider.files.retrieve(first["file_id"]).filename == "north sea.txt"
    (made,) = records(stack, store.id, "vector_stores.create")
    assert made["team_id"] == {"S": "red"}
    assert records(stack, store.id, "vector_stores.file_batches.create")

    s3.put_object(Bucket=bucket, Key="red/tide-tables/north sea.txt", Body=b"It turned at one.")
    replaced = eventually(
        lambda: (
            found if (found := ids(provider, store.id)) and first["file_id"] not in found and len(found) == 2 else None
        ),
        WITHIN,
        "the object is replaced",
    )
    s3.delete_object(Bucket=bucket, Key="red/tide-tables/north sea.txt")
    left = eventually(
        lambda: found if len(found := ids(provider, store.id)) == 1 else None, WITHIN, "the object is detached"
    )
    assert left < replaced


def test_many_objects_told_of_twice_and_out_of_order_with_faults_are_attached_exactly_once(
    stack: Stack, provider: OpenAI, way: Between, ear: Ear
) -> None:
    order = random.Random(17)  # noqa: S311 - a test's own
    keys = [f"red/crowd/{number:04d}.txt" for number in range(OBJECTS)]
    order.shuffle(keys)
    s3, bucket = stack.cloud.client("s3"), stack.outputs["IngestBucketName"]
    with way.failing(), ThreadPoolExecutor(8) as several:
        list(several.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=key.encode()), keys))
        begun = eventually(
            lambda: rows if len(rows := crowd(stack)) >= OBJECTS // 10 else None, WITHIN, "some are under way"
        )
        tell_again(stack, order.sample(begun, OBJECTS // 10))
        for key in keys:
            ear.hears("File Indexed", bucket=bucket, key=key)
    eventually(lambda: True if waiting(stack) == 0 else None, WITHIN, "every message is done")

    assert sum(way.failed.values()) >= OBJECTS // 5
    (store,) = [each for each in provider.vector_stores.list(limit=100) if each.name == "crowd"]
    attached = ids(provider, store.id)
    names = Counter(file.filename for file in provider.files.list() if file.filename in {key[-8:] for key in keys})
    assert names == {key[-8:]: 1 for key in keys}, "no upload is left over"
    assert {each.file_id for each in crowd(stack)} == attached
    assert {file_id: way.attached[file_id] for file_id in attached} == dict.fromkeys(attached, 1)
    assert len(attached) == OBJECTS
    assert way.busiest(60) <= 300
    stack.quiet(WITHIN)
    made = [row for row in stack.items("OP#") if row.get("file_id", {}).get("S") in attached]
    uploads = [row for row in made if row["operation"] == {"S": "files.create"}]
    assert Counter(row["state"]["S"] for row in uploads) == {"settled": OBJECTS}
    # What was told twice and answered from memory, or failed and was asked again, is void: nothing is left open.
    assert {row["state"]["S"] for row in made} <= {"settled", "voided"}
    assert records(stack, store.id, "vector_stores.file_batches.create")


def crowd(stack: Stack) -> list[ObjectRow]:
    """What is known of the many objects."""
    rows = [ObjectRow.from_record(decoded(item, ObjectRow)) for item in stack.items("ING#OBJ#")]
    return [row for row in rows if row.location.key.startswith("red/crowd/")]


def tell_again(stack: Stack, rows: Sequence[ObjectRow]) -> None:
    """Messages as S3 sent them, once more."""
    told = json.loads(sample("ingest_s3_created.json")["Records"][0]["body"])
    for row in rows:
        told["Records"][0]["s3"] |= {
            "bucket": {"name": row.location.bucket},
            "object": {"key": row.location.key, "versionId": row.version, "sequencer": row.sequencer},
        }
        stack.cloud.client("sqs").send_message(QueueUrl=stack.outputs["IngestQueueUrl"], MessageBody=json.dumps(told))


def ids(provider: OpenAI, store_id: str) -> set[str]:
    """The files in a store."""
    return {file.id for file in provider.vector_stores.files.list(store_id)}


def test_applications_ask_on_the_bus_and_hear_what_became_of_it(
    stack: Stack, provider: OpenAI, client: OpenAI, ear: Ear
) -> None:
    wanted = json.loads(sample("ingest_create_requested.json")["Records"][0]["body"])["detail"]
    event_id = put(stack, "VectorStore Create Requested", wanted)
    made = ear.hears("VectorStore Created", event_id=event_id)
    store = provider.vector_stores.retrieve(made["vector_store_id"])
    assert (store.name, store.metadata) == ("product-docs", {**(store.metadata or {}), "project": "rag-system"})
    file = client.files.create(file=("tides.txt", b"The tide turns at noon."), purpose="assistants")
    attach = {"vector_store_id": store.id, "file_id": file.id, "attributes": {"region": "north"}}
    event_id = put(stack, "File Attach Requested", attach)
    indexed = ear.hears("File Indexed", event_id=event_id)
    assert (indexed["vector_store_id"], indexed["file_id"]) == (store.id, file.id)
    attached = provider.vector_stores.files.retrieve(file.id, vector_store_id=store.id)
    assert (attached.status, attached.attributes) == ("completed", {"region": "north"})


def test_a_file_of_somebody_else_is_as_absent_and_its_event_set_aside(stack: Stack, provider: OpenAI, ear: Ear) -> None:
    foreign = provider.files.create(file=("secret.txt", b"secret"), purpose="assistants")
    event_id = put(stack, "File Attach Requested", {"name": "tide-tables", "file_id": foreign.id})
    failed = ear.hears("File Failed", event_id=event_id)
    assert foreign.id in json.dumps(failed)
    assert "not" in failed["error"]["message"]
    assert set_aside(stack, event_id)


def test_an_object_of_a_sender_that_is_not_mapped_is_set_aside_with_the_reason(stack: Stack, ear: Ear) -> None:
    key = "nobody/docs/a.txt"
    stack.cloud.client("s3").put_object(Bucket=stack.outputs["IngestBucketName"], Key=key, Body=b"Nobody's.")
    reason = set_aside(stack, f"/{key}")
    assert "IngestSenders" in reason
    assert all(event["detail"].get("key") != key for event in ear.heard)


def set_aside(stack: Stack, source: str) -> str:
    """Why a message of that source is in the dead-letter queue."""
    queue, url = stack.cloud.client("sqs"), stack.outputs["IngestFailuresUrl"]

    def found() -> str | None:
        received = queue.receive_message(
            QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], VisibilityTimeout=0
        )
        for message in received.get("Messages", []):
            attributes = message["MessageAttributes"]
            if attributes["source"]["StringValue"].endswith(source):
                return str(attributes["reason"]["StringValue"])
        return None

    return eventually(found, WITHIN, f"set aside: {source}")


@pytest.mark.parametrize(
    "name",
    [
        "ingest_s3_created.json",
        "ingest_s3_removed.json",
        "ingest_create_requested.json",
        "ingest_attach_requested.json",
    ],
)
def test_the_sample_events_run(stack: Stack, name: str) -> None:
    assert stack.invoked("IngestFunction", sample(name)) == {"batchItemFailures": []}


def says_so(stack: Stack) -> dict[str, Any]:
    """What an execution that asks for ingestion needs beside invoking: the documentation's statement."""
    return {
        "Effect": "Allow",
        "Action": "events:PutEvents",
        "Resource": stack.cloud.client("events").describe_event_bus(Name=stack.outputs["IngestBusName"])["Arn"],
        "Condition": {"StringEquals": {"events:source": SOURCE}},
    }


def test_the_state_machine_of_the_examples_runs(stack: Stack, client: OpenAI, key: str, ear: Ear) -> None:
    machine = json.loads((ROOT / "examples" / "step_functions_event.json").read_text("utf-8"))
    machine["States"]["Wait"]["Seconds"] = 1
    store = client.vector_stores.create(name="awaited")
    file = client.files.create(file=("tides.txt", b"The tide turns at noon."), purpose="assistants")
    steps = stack.cloud.client("stepfunctions")
    role = stack.role_of_steps("steps", says_so(stack))
    arn = steps.create_state_machine(name="attach", definition=json.dumps(machine), roleArn=role)["stateMachineArn"]
    given = json.dumps({"key": key, "store": store.id, "file": file.id})
    running = steps.start_execution(stateMachineArn=arn, input=given)["executionArn"]

    def ended() -> dict[str, Any] | None:
        execution: dict[str, Any] = steps.describe_execution(executionArn=running)
        return None if execution["status"] == "RUNNING" else execution

    execution = eventually(ended, WITHIN, "the execution ends")
    assert execution["status"] == "SUCCEEDED", execution
    assert json.loads(execution["output"])["found"]["body"]["id"] == file.id
    ear.hears("File Indexed", file_id=file.id)
