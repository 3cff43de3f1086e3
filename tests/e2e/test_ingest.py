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

from tests.harnesses.aws_stack import ROOT, Stack, TookTooLong, eventually, sample
from vectorgate.ingest.model import STORED_NAMES, ObjectRow
from vectorgate.persistence.dynamodb.codec import decoded_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.fakes.faulty_proxy import FaultyProxy

# `make e2e OBJECTS=1000` runs more, which takes minutes.
OBJECTS: Final = int(os.environ.get("OBJECTS") or 60)
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240 + 2 * OBJECTS)]

# Two cold starts, a reminder after five seconds, and a machine that other tests share.
WITHIN: Final = 60.0 + OBJECTS
SOURCE: Final = "com.example.crm"


@dataclass(frozen=True)
class ResultQueue:
    """A queue that receives the results on the bus."""

    stack: Stack
    url: str
    received: list[dict[str, Any]]

    def result(self, kind: str, **said: object) -> dict[str, Any]:
        """Wait for the first event of a kind with these fields, and return its detail."""

        def found() -> dict[str, Any] | None:
            queue = self.stack.aws.client("sqs")
            for message in queue.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10).get("Messages", []):
                self.received.append(json.loads(message["Body"]))
                queue.delete_message(QueueUrl=self.url, ReceiptHandle=message["ReceiptHandle"])
            for event in self.received:
                if event["detail-type"] == kind and event["detail"].items() >= said.items():
                    assert event["source"] == "vectorgate"
                    return dict(event["detail"])
            return None

        return eventually(found, WITHIN, f"{kind} {said}")


@pytest.fixture(scope="module")
def result_queue(stack: Stack) -> Iterator[ResultQueue]:
    """The queue of docs/ingest.md. At the end no message is left, so that nothing happens while other tests count."""
    events, queues, bus = stack.aws.client("events"), stack.aws.client("sqs"), stack.outputs["IngestBusName"]
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
    yield ResultQueue(stack, url, [])
    eventually(lambda: True if waiting(stack) == 0 else None, WITHIN, "every message is done")


def waiting(stack: Stack) -> int:
    """Return the number of messages in the queue: visible, in progress, and delayed."""
    names = [f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed")]
    found = stack.aws.client("sqs").get_queue_attributes(QueueUrl=stack.outputs["IngestQueueUrl"], AttributeNames=names)
    return sum(int(found["Attributes"][name]) for name in names)


@pytest.fixture(scope="module")
def provider(stack: Stack) -> Iterator[OpenAI]:
    with closing(stack.provider()) as made:
        yield made


@pytest.fixture(scope="module")
def client(stack: Stack, key: str) -> Iterator[OpenAI]:
    """OpenAI's client with a key of team red."""
    base, host = f"{stack.aws.url}/v1", {"Host": stack.host}
    with closing(OpenAI(api_key=key, base_url=base, default_headers=host, max_retries=0, timeout=60)) as made:
        yield made


def put(stack: Stack, kind: str, detail: object) -> str:
    """Put an application's event on the bus, and return its id."""
    entry = {
        "EventBusName": stack.outputs["IngestBusName"],
        "Source": SOURCE,
        "DetailType": kind,
        "Detail": json.dumps(detail),
    }
    answer = stack.aws.client("events").put_events(Entries=[entry])
    assert answer["FailedEntryCount"] == 0, answer
    return str(answer["Entries"][0]["EventId"])


def records(stack: Stack, store_id: str, operation: str) -> list[dict[str, Any]]:
    """Wait for settled rows of an operation on a store, and return them."""

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
    stack: Stack, provider: OpenAI, client: OpenAI, result_queue: ResultQueue
) -> None:
    s3, bucket = stack.aws.client("s3"), stack.outputs["IngestBucketName"]
    for name in ("north sea.txt", "dead-sea.txt"):
        s3.put_object(
            Bucket=bucket,
            Key=f"red/tide-tables/{name}",
            Body=b"The tide turns at noon.",
            ContentType="text/plain",
            Metadata={"author": "ada"},
            Tagging="sea=north",
        )
    first = result_queue.result("File Indexed", bucket=bucket, key="red/tide-tables/north sea.txt")
    result_queue.result("File Indexed", bucket=bucket, key="red/tide-tables/dead-sea.txt")
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


def test_many_objects_notified_twice_and_out_of_order_with_faults_are_attached_exactly_once(
    stack: Stack, provider: OpenAI, proxy: FaultyProxy, result_queue: ResultQueue
) -> None:
    order = random.Random(17)  # noqa: S311 - a test's own
    keys = [f"red/many/{number:04d}.txt" for number in range(OBJECTS)]
    order.shuffle(keys)
    s3, bucket = stack.aws.client("s3"), stack.outputs["IngestBucketName"]
    with proxy.failing(), ThreadPoolExecutor(8) as several:
        list(several.map(lambda key: s3.put_object(Bucket=bucket, Key=key, Body=key.encode()), keys))
        begun = eventually(
            lambda: rows if len(rows := object_rows(stack)) >= OBJECTS // 10 else None, WITHIN, "some are under way"
        )
        send_again(stack, order.sample(begun, OBJECTS // 10))
        for key in keys:
            result_queue.result("File Indexed", bucket=bucket, key=key)
    eventually(lambda: True if waiting(stack) == 0 else None, WITHIN, "every message is done")

    assert sum(proxy.failed.values()) >= OBJECTS // 5
    (store,) = [each for each in provider.vector_stores.list(limit=100) if each.name == "many"]
    attached = ids(provider, store.id)
    names = Counter(file.filename for file in provider.files.list() if file.filename in {key[-8:] for key in keys})
    assert names == {key[-8:]: 1 for key in keys}, "no upload is left over"
    assert {each.file_id for each in object_rows(stack)} == attached
    assert {file_id: proxy.attached[file_id] for file_id in attached} == dict.fromkeys(attached, 1)
    assert len(attached) == OBJECTS
    assert proxy.most_attaches(60) <= 300
    stack.quiet(WITHIN)
    made = [row for row in stack.items("OP#") if row.get("file_id", {}).get("S") in attached]
    uploads = [row for row in made if row["operation"] == {"S": "files.create"}]
    assert Counter(row["state"]["S"] for row in uploads) == {"settled": OBJECTS}
    # Replays and failures that were retried are void: no row is open.
    assert {row["state"]["S"] for row in made} <= {"settled", "voided"}
    assert records(stack, store.id, "vector_stores.file_batches.create")


def object_rows(stack: Stack) -> list[ObjectRow]:
    """Return the rows of the many objects."""
    rows = [ObjectRow.from_record(decoded_names(item, STORED_NAMES)) for item in stack.items("ING#OBJ#")]
    return [row for row in rows if row.location.key.startswith("red/many/")]


def send_again(stack: Stack, rows: Sequence[ObjectRow]) -> None:
    """Send the messages of S3 once more."""
    message = json.loads(sample("ingest_s3_created.json")["Records"][0]["body"])
    for row in rows:
        message["Records"][0]["s3"] |= {
            "bucket": {"name": row.location.bucket},
            "object": {"key": row.location.key, "versionId": row.version, "sequencer": row.sequencer},
        }
        stack.aws.client("sqs").send_message(QueueUrl=stack.outputs["IngestQueueUrl"], MessageBody=json.dumps(message))


def ids(provider: OpenAI, store_id: str) -> set[str]:
    """Return the ids of the files in a store."""
    return {file.id for file in provider.vector_stores.files.list(store_id)}


def test_applications_ask_on_the_bus_and_receive_the_result(
    stack: Stack, provider: OpenAI, client: OpenAI, result_queue: ResultQueue
) -> None:
    wanted = json.loads(sample("ingest_create_requested.json")["Records"][0]["body"])["detail"]
    event_id = put(stack, "VectorStore Create Requested", wanted)
    made = result_queue.result("VectorStore Created", event_id=event_id)
    store = provider.vector_stores.retrieve(made["vector_store_id"])
    assert (store.name, store.metadata) == ("product-docs", {**(store.metadata or {}), "project": "rag-system"})
    file = client.files.create(file=("tides.txt", b"The tide turns at noon."), purpose="assistants")
    attach = {"vector_store_id": store.id, "file_id": file.id, "attributes": {"region": "north"}}
    event_id = put(stack, "File Attach Requested", attach)
    indexed = result_queue.result("File Indexed", event_id=event_id)
    assert (indexed["vector_store_id"], indexed["file_id"]) == (store.id, file.id)
    attached = provider.vector_stores.files.retrieve(file.id, vector_store_id=store.id)
    assert (attached.status, attached.attributes) == ("completed", {"region": "north"})


def test_a_file_of_another_tenant_is_as_absent_and_its_event_set_aside(
    stack: Stack, provider: OpenAI, result_queue: ResultQueue
) -> None:
    foreign = provider.files.create(file=("secret.txt", b"secret"), purpose="assistants")
    event_id = put(stack, "File Attach Requested", {"name": "tide-tables", "file_id": foreign.id})
    failed = result_queue.result("File Failed", event_id=event_id)
    assert foreign.id in json.dumps(failed)
    assert "not" in failed["error"]["message"]
    assert set_aside(stack, event_id)


def test_an_object_of_a_sender_that_is_not_mapped_is_set_aside_with_the_reason(
    stack: Stack, result_queue: ResultQueue
) -> None:
    key = "nobody/docs/a.txt"
    stack.aws.client("s3").put_object(Bucket=stack.outputs["IngestBucketName"], Key=key, Body=b"Nobody's.")
    reason = set_aside(stack, f"/{key}")
    assert "IngestSenders" in reason
    assert all(event["detail"].get("key") != key for event in result_queue.received)


def set_aside(stack: Stack, source: str) -> str:
    """Wait for a message of a source in the dead-letter queue, and return its reason."""
    queue, url = stack.aws.client("sqs"), stack.outputs["IngestFailuresUrl"]

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


def put_events_statement(stack: Stack) -> dict[str, Any]:
    """Return the documentation's statement for an execution that asks for ingestion."""
    return {
        "Effect": "Allow",
        "Action": "events:PutEvents",
        "Resource": stack.aws.client("events").describe_event_bus(Name=stack.outputs["IngestBusName"])["Arn"],
        "Condition": {"ForAllValues:StringEquals": {"events:source": SOURCE}, "Null": {"events:source": "false"}},
    }


def test_the_state_machine_of_the_examples_runs(
    stack: Stack, client: OpenAI, key: str, result_queue: ResultQueue
) -> None:
    machine = json.loads((ROOT / "examples" / "step_functions_event.json").read_text("utf-8"))
    machine["States"]["Wait"]["Seconds"] = 1
    store = client.vector_stores.create(name="awaited")
    file = client.files.create(file=("tides.txt", b"The tide turns at noon."), purpose="assistants")
    steps = stack.aws.client("stepfunctions")
    role = stack.role_of_steps("steps", put_events_statement(stack))
    arn = steps.create_state_machine(name="attach", definition=json.dumps(machine), roleArn=role)["stateMachineArn"]
    given = json.dumps({"key": key, "store": store.id, "file": file.id})
    running = steps.start_execution(stateMachineArn=arn, input=given)["executionArn"]

    def ended() -> dict[str, Any] | None:
        execution: dict[str, Any] = steps.describe_execution(executionArn=running)
        return None if execution["status"] == "RUNNING" else execution

    execution = eventually(ended, WITHIN, "the execution ends")
    assert execution["status"] == "SUCCEEDED", execution
    assert json.loads(execution["output"])["found"]["body"]["id"] == file.id
    result_queue.result("File Indexed", file_id=file.id)
