"""template.yaml deployed on an emulated AWS: API Gateway -> api -> provider, the table's stream -> usage_logger."""

from __future__ import annotations

import hashlib
import json
import random
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from openai import BadRequestError, NotFoundError, OpenAI

from tests.harnesses.aws_stack import Stack, eventually, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

WITHIN = 30.0  # the emulator polls the stream once a second
MEGABYTE = 1_000_000
LAST_WORDS = "The tide turns at noon."


@pytest.fixture
def client(stack: Stack, key: str) -> Iterator[OpenAI]:
    with closing(
        OpenAI(
            api_key=key,
            base_url=f"{stack.aws.url}/v1",
            default_headers={"Host": stack.host, "x-litellm-end-user-id": "ada"},
            max_retries=0,
            timeout=60,
        )
    ) as made:
        yield made


def created(client: OpenAI, **fields: Any) -> tuple[Any, str]:
    """Create a store; return it with the id of its operation."""
    raw = client.vector_stores.with_raw_response.create(**fields)
    return raw.parse(), raw.headers["x-litellm-call-id"]


def test_a_store_is_created_used_and_deleted_through_the_api(client: OpenAI) -> None:
    file = client.files.create(file=("tides.txt", b"The tide turns at noon."), purpose="assistants")
    store, _ = created(client, name="tides", file_ids=[file.id])
    assert store.object == "vector_store"
    assert store.file_counts.total == 1
    done = eventually(
        lambda: found if (found := client.vector_stores.retrieve(store.id)).status == "completed" else None,
        30,
        "the store is completed",
    )
    assert done.file_counts.completed == 1
    assert done.usage_bytes > 0
    assert store.id in [each.id for each in client.vector_stores.list()]
    assert client.vector_stores.delete(store.id).deleted
    with pytest.raises(NotFoundError):
        client.vector_stores.retrieve(store.id)


def test_a_file_in_parts_passes_the_api_byte_for_byte_and_is_the_callers(stack: Stack, client: OpenAI) -> None:
    page = large_page(9 * MEGABYTE)
    done = client.uploads.upload_file_chunked(
        file=page,
        filename="tides.html",
        bytes=len(page),
        mime_type="text/html",
        purpose="assistants",
        part_size=4 * MEGABYTE,
        md5=hashlib.md5(page).hexdigest(),  # noqa: S324 - the provider's checksum: it refuses other bytes
    )
    assert (done.status, done.bytes) == ("completed", len(page))
    assert done.file is not None
    store, _ = created(client, name="in parts")
    attached = client.vector_stores.files.create_and_poll(done.file.id, vector_store_id=store.id, poll_interval_ms=100)
    assert attached.status == "completed", attached.last_error
    (hit,) = client.vector_stores.search(store.id, query="When does the tide turn?")
    assert (hit.file_id, [part.text for part in hit.content]) == (done.file.id, [LAST_WORDS])
    upload = own_row(stack, "upload", done.id)
    parts = [row for row in stack.items("OWN#") if row.get("parent") == {"S": done.id}]
    assert len(parts) == 3
    assert {row["tenant"]["S"] for row in (upload, own_row(stack, "file", done.file.id), *parts)} == {"team:red"}


def test_an_upload_that_is_given_up_takes_no_more_parts(client: OpenAI) -> None:
    upload = client.uploads.create(bytes=3, filename="a.md", mime_type="text/markdown", purpose="assistants")
    assert client.uploads.cancel(upload.id).status == "cancelled"
    with pytest.raises(BadRequestError):
        client.uploads.parts.create(upload.id, data=b"abc")


def large_page(size: int) -> bytes:
    """Return so many bytes of HTML, or up to two more, whose last words alone are prose.

    The rest are characters of three bytes in random order, so that a part of round length is not valid UTF-8.
    """
    start, end = b"<!doctype html><!--  ", f"--><p>{LAST_WORDS}</p>".encode()
    randomness = random.Random(9)  # noqa: S311 - anything that does not repeat
    count = -(-(size - len(start) - len(end)) // 3)
    return start + "".join(map(chr, randomness.choices(range(0x4E00, 0x9000), k=count))).encode() + end


def own_row(stack: Stack, kind: str, name: str) -> dict[str, Any]:
    """Return the owner of an object."""
    (row,) = (row for row in stack.items("OWN#") if row["PK"]["S"].endswith(f"#{kind}#{name}"))
    return row


def test_the_stream_settles_the_record_and_the_administrator_sees_it(stack: Stack, client: OpenAI, key: str) -> None:
    store, operation_id = created(client, name="booked")
    row = stack.settled(operation_id, WITHIN)
    assert row["spend"] == {"N": "0"}
    assert row["price_id"]["S"]
    logs = stack.ask("GET", f"/spend/logs?request_id={operation_id}", key=stack.master_key)
    assert logs.status == 200
    (record,) = logs.body
    assert (record["status"], record["spend"], record["vector_store_id"]) == ("success", 0, store.id)
    assert (record["team_id"], record["end_user"], record["call_type"]) == ("red", "ada", row["operation"]["S"])
    assert key not in json.dumps(logs.body)
    searched = stack.ask("GET", f"/spend/logs?api_key={key}&limit=1000", key=stack.master_key)
    assert record in searched.body


def test_a_batch_of_the_stream_that_comes_twice_changes_nothing(stack: Stack, client: OpenAI) -> None:
    stack.quiet(WITHIN)
    # Without the stream a row stays `answered`; the test delivers its batch itself, twice.
    mappings = stack.aws.client("lambda")
    (mapping,) = mappings.list_event_source_mappings(FunctionName=stack.outputs["UsageLoggerFunction"])[
        "EventSourceMappings"
    ]
    mappings.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
    try:
        _, operation_id = created(client, name="twice")
        image = stack.row(operation_id)
        assert image is not None
        assert image["state"] == {"S": "answered"}
        event = sample("usage_logger_stream.json")
        (record,) = (each for each in event["Records"] if each["dynamodb"]["SequenceNumber"].endswith("2"))
        record["dynamodb"] |= {"Keys": {"PK": image["PK"], "SK": image["SK"]}, "NewImage": image}
        assert stack.invoked("UsageLoggerFunction", event) == {"batchItemFailures": []}
        once = (stack.settled(operation_id, WITHIN), stack.rollups())
        assert stack.invoked("UsageLoggerFunction", event) == {"batchItemFailures": []}
        assert (stack.row(operation_id), stack.rollups()) == once
    finally:
        mappings.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)


def test_the_sample_request_for_a_store_runs(stack: Stack, key: str) -> None:
    event = sample("api_create.json")
    assert stack.invoked("ApiFunction", event)["statusCode"] == 401
    event["headers"]["authorization"] = f"Bearer {key}"
    answer = stack.invoked("ApiFunction", event)
    assert answer["statusCode"] == 200, answer
    assert json.loads(answer["body"])["name"] == "My Document Store"


def test_the_sample_request_for_spend_runs(stack: Stack) -> None:
    event = sample("admin_spend_logs.json")
    assert stack.invoked("AdminFunction", event)["statusCode"] == 401
    event["headers"]["authorization"] = f"Bearer {stack.master_key}"
    answer = stack.invoked("AdminFunction", event)
    assert answer["statusCode"] == 200, answer
    assert isinstance(json.loads(answer["body"]), list)


def test_a_sample_batch_of_rows_of_another_table_settles_nothing(stack: Stack) -> None:
    stack.quiet(WITHIN)
    before = stack.rollups()
    assert stack.invoked("UsageLoggerFunction", sample("usage_logger_stream.json")) == {"batchItemFailures": []}
    assert stack.rollups() == before


def test_a_row_that_cannot_be_settled_reaches_the_dead_letter_queue_and_delays_no_other(
    stack: Stack, client: OpenAI
) -> None:
    # The emulator gives up by age alone, so that the limit is 0 here; test_ingest_of_a_stack checks the template's.
    mappings = stack.aws.client("lambda")
    (mapping,) = mappings.list_event_source_mappings(FunctionName=stack.outputs["UsageLoggerFunction"])[
        "EventSourceMappings"
    ]
    mappings.update_event_source_mapping(UUID=mapping["UUID"], MaximumRecordAgeInSeconds=1)
    place = {"PK": {"S": "OP#poisoned"}, "SK": {"S": "STATE"}}
    table, name = stack.aws.client("dynamodb"), stack.outputs["TableName"]
    table.put_item(TableName=name, Item={**place, "state": {"S": "answered"}, "began": {"S": "0"}})
    try:
        message = eventually(lambda: failure(stack), 30, "the dead letter")
    finally:
        mappings.update_event_source_mapping(
            UUID=mapping["UUID"], MaximumRecordAgeInSeconds=mapping["MaximumRecordAgeInSeconds"]
        )
        table.delete_item(TableName=name, Key=place)
    assert message["DDBStreamBatchInfo"]["streamArn"] == mapping["EventSourceArn"]
    _, operation_id = created(client, name="after the poison")
    stack.settled(operation_id, 3 * WITHIN)  # the emulator pauses after each failure


def failure(stack: Stack) -> dict[str, Any] | None:
    """Wait for the next message of the dead-letter queue."""
    received = stack.aws.client("sqs").receive_message(QueueUrl=stack.outputs["UsageLoggerFailuresUrl"])
    messages = received.get("Messages", [])
    return dict(json.loads(messages[0]["Body"])) if messages else None


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/spend/logs"), ("POST", "/key/generate"), ("GET", "/key/list"), ("POST", "/key/delete")],
)
def test_administration_takes_the_master_key_alone(stack: Stack, key: str, method: str, path: str) -> None:
    for presented in (None, key, "sk-1234", "0" * 64):
        answer = stack.ask(method, path, key=presented, body={} if method == "POST" else None)
        assert answer.status == 401, presented
        assert answer.body["error"]["code"] == "invalid_api_key"


def test_an_administrator_reads_and_deletes_a_teams_store_through_the_meter(
    stack: Stack, client: OpenAI, key: str
) -> None:
    store = client.vector_stores.create(name="of a team").id
    path = f"/admin/vector_stores/{store}"
    shown = stack.ask("GET", path, key=stack.master_key)
    assert (shown.status, shown.body["name"], shown.body["shares"]) == (200, "of a team", [])
    assert stack.ask("DELETE", path, key=key).status == 401
    assert stack.ask("DELETE", path, key=stack.master_key).body["deleted"] is True
    assert stack.ask("GET", f"/v1/vector_stores/{store}", key=key).status == 404


def test_the_master_key_is_no_virtual_key(stack: Stack) -> None:
    assert stack.ask("GET", "/v1/vector_stores", key=stack.master_key).status == 401


def test_a_deleted_key_opens_nothing(stack: Stack) -> None:
    made = stack.ask("POST", "/key/generate", key=stack.master_key, body={}).body["key"]
    assert stack.ask("POST", "/key/delete", key=stack.master_key, body={"keys": [made]}).status == 200
    assert stack.ask("GET", "/v1/vector_stores", key=made).status == 401


def test_unauthenticated_callers_and_unknown_paths_get_openais_envelope(stack: Stack, key: str) -> None:
    assert stack.ask("GET", "/v1/vector_stores", key="sk-nobody").body["error"]["code"] == "invalid_api_key"
    unknown = stack.ask("GET", "/v1/nothing/here", key=key)
    assert unknown.status == 404
    assert unknown.body["error"]["type"] == "invalid_request_error"


def test_the_functions_log_no_secret(stack: Stack, client: OpenAI, key: str) -> None:
    created(client, name="quiet")
    written = stack.aws.log.read_text(errors="replace") + logged(stack)
    assert '"message":"request"' in written.replace(": ", ":")
    for secret in (key, stack.master_key, "sk-upstream-for-tests"):
        assert secret not in written
        assert secret[-12:] not in written


def logged(stack: Stack) -> str:
    """Return every line of the functions' log groups."""
    logs = stack.aws.client("logs")
    names = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
    lines = [event["message"] for name in names for event in logs.filter_log_events(logGroupName=name)["events"]]
    return "\n".join(lines)
