"""`boto3.client("lambda").invoke` for every operation of the table, and the ledger entries of it."""

from __future__ import annotations

import base64
import json
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.harnesses.local_process import KEY
from vectorgate.api.operations import BY_NAME

if TYPE_CHECKING:
    from collections.abc import Callable

    Invoke = Callable[..., Any]

EVENTS = Path(__file__).parents[3] / "events"


def rows(base_url: str) -> list[dict[str, Any]]:
    """Return the ledger, as the administrator reads it."""
    request = urllib.request.Request(f"{base_url}/spend/logs", headers={"authorization": f"Bearer {KEY}"})
    with urllib.request.urlopen(request) as answer:
        found: list[dict[str, Any]] = json.load(answer)
    return found


def ask_for_responses(ask: Callable[..., Any], store: str) -> None:
    """Invoke every operation on responses and models."""
    search = [{"type": "file_search", "vector_store_ids": [store]}]
    question: dict[str, object] = {"model": "embedded-extractive", "input": "When are returns accepted?"}
    response = ask("responses.create", body={**question, "tools": search})
    assert "thirty days" in json.dumps(response["output"])
    of_response = {"response_id": response["id"]}
    assert ask("responses.retrieve", **of_response, query={"include": "file_search_call.results"})["id"]
    assert ask("responses.input_items.list", **of_response, query={"limit": 1})["data"]
    ask("responses.cancel", response_id=ask("responses.create", body={**question, "background": True})["id"])
    ask("responses.delete", **of_response)
    ask("responses.input_tokens.count", body=question)
    ask("responses.compact", body=question)
    assert [model["id"] for model in ask("models.list")["data"]] == ["embedded-extractive"]
    ask("models.retrieve", model="embedded-extractive")


def test_a_stream_cannot_be_invoked(invoke: Invoke) -> None:
    body = {"model": "embedded-extractive", "input": "q", "stream": True}
    answer = invoke(operation="responses.create", api_key=KEY, body=body)
    assert (answer["status"], answer["body"]["error"]["param"]) == (400, "body.stream")


def test_a_background_response_that_is_invoked_again_by_its_key_is_made_once(invoke: Invoke) -> None:
    body = {"model": "embedded-extractive", "input": "q", "background": True}
    asked: dict[str, Any] = {"operation": "responses.create", "api_key": KEY, "idempotency_key": "response-1"}
    first, again = (invoke(**asked, body=body) for _ in range(2))
    assert again["body"]["id"] == first["body"]["id"]
    assert again["headers"]["idempotency-replayed"] == "true"
    other = invoke(**asked, body={**body, "input": "r"})
    assert (other["status"], other["body"]["error"]["code"]) == (422, "idempotency_key_reused")
    for _ in range(200):
        found = invoke(operation="responses.retrieve", api_key=KEY, response_id=first["body"]["id"])["body"]
        if found["status"] == "completed":
            break
        time.sleep(0.02)
    assert found["output"]


def test_every_operation_of_the_table(invoke: Invoke) -> None:
    seen: dict[str, int] = {}

    def ask(operation: str, *, status: int = 200, **fields: object) -> Any:
        answer = invoke(operation=operation, api_key=KEY, **fields)
        seen[operation] = answer["status"]
        assert answer["status"] == status, answer
        assert answer["headers"]["x-litellm-call-id"]
        return answer["body"]

    content = base64.b64encode(b"Returns are accepted within thirty days.").decode()
    file = ask("files.create", body={"content": content, "filename": "ä.md", "purpose": "assistants"})["id"]
    other = ask("files.create", body={"content": content, "filename": "b.jsonl", "purpose": "batch"})["id"]
    store = ask("vector_stores.create", body={"name": "s", "metadata": {"a": "b"}})["id"]
    of_store = {"vector_store_id": store}
    assert ask("vector_stores.list", query={"limit": 1})["has_more"] in {True, False}
    assert ask("vector_stores.retrieve", **of_store)["name"] == "s"
    assert ask("vector_stores.update", **of_store, body={"name": None})["id"] == store
    ask("vector_stores.files.create", **of_store, body={"file_id": file, "attributes": {"n": 1}})
    for _ in range(200):
        if ask("vector_stores.files.retrieve", **of_store, file_id=file)["status"] == "completed":
            break
        time.sleep(0.02)
    assert ask("vector_stores.search", **of_store, body={"query": "returns"})["data"][0]["file_id"] == file
    ask_for_responses(ask, store)
    assert ask("vector_stores.files.list", **of_store, query={"filter": "completed"})["data"][0]["id"] == file
    ask("vector_stores.files.update", **of_store, file_id=file, body={"attributes": {"n": 2}})
    assert ask("vector_stores.files.content", **of_store, file_id=file)["data"]
    batch = ask("vector_stores.file_batches.create", **of_store, body={"file_ids": [file]})["id"]
    of_batch = {**of_store, "batch_id": batch}
    ask("vector_stores.file_batches.retrieve", **of_batch)
    ask("vector_stores.file_batches.list_files", **of_batch, query={"limit": 1})
    ask("vector_stores.file_batches.cancel", **of_batch)
    ask("vector_stores.files.delete", **of_store, file_id=file)
    assert ask("files.list", query={"purpose": "batch"})["data"]
    assert ask("files.retrieve", file_id=file)["filename"] == "ä.md"
    answer = invoke(operation="files.content", api_key=KEY, file_id=other)
    assert (answer["encoding"], base64.b64decode(answer["body"])) == (
        "base64",
        b"Returns are accepted within thirty days.",
    )
    seen["files.content"] = answer["status"]
    ask("files.delete", file_id=other)
    ask("vector_stores.delete", **of_store)
    announced = {"filename": "c.md", "bytes": 40, "mime_type": "text/markdown", "purpose": "assistants"}
    of_upload = {"upload_id": ask("uploads.create", body=announced)["id"]}
    part = ask("uploads.parts.create", **of_upload, body={"content": content})["id"]
    made = ask("uploads.complete", **of_upload, body={"part_ids": [part]})["file"]
    assert ask("files.retrieve", file_id=made["id"])["filename"] == "c.md"
    ask("uploads.cancel", upload_id=ask("uploads.create", body=announced)["id"])
    assert seen == dict.fromkeys(BY_NAME, 200)


def test_it_leaves_the_rows_that_http_leaves(invoke: Invoke, base_url: str) -> None:
    answer = invoke(
        operation="vector_stores.create",
        api_key=KEY,
        end_user="José",
        tags=["a", "b c"],
        provider="openai",
        idempotency_key="once",
        body={"name": "recorded"},
    )
    call_id = answer["headers"]["x-litellm-call-id"]
    for _ in range(100):
        found = [row for row in rows(base_url) if call_id in json.dumps(row)]
        if found:
            break
        time.sleep(0.05)
    (row,) = found
    text = json.dumps(row, ensure_ascii=False)
    assert "vector_stores.create" in text or "vector_store" in text
    assert "José" in text
    assert "b c" in text
    assert KEY not in text


def test_refusals_are_results_with_openai_s_envelope(invoke: Invoke) -> None:
    def refused(status: int, **fields: object) -> Any:
        answer = invoke(**fields)
        assert answer["status"] == status, answer
        return answer["body"]["error"]

    assert refused(401, operation="vector_stores.list")["code"] is None
    assert refused(401, operation="vector_stores.list", api_key="sk-wrong")["code"] == "invalid_api_key"
    missing = refused(404, operation="vector_stores.retrieve", api_key=KEY, vector_store_id="vs_none")
    assert missing["message"] == "No vector store found with id 'vs_none'."
    bad = refused(
        400, operation="vector_stores.create", api_key=KEY, body={"metadata": {str(n): "" for n in range(17)}}
    )
    assert (bad["code"], bad["param"]) == ("object_above_max_properties", "metadata")
    empty = refused(400, operation="vector_stores.search", api_key=KEY, vector_store_id="vs_1", body={})
    assert empty["code"] == "missing_required_parameter"


def test_a_trusted_invoker_acts_for_a_team_and_sees_that_team_s_objects_alone(invoke: Invoke) -> None:
    made = {
        team: invoke(operation="vector_stores.create", tenant=team, body={"name": team})["body"]["id"]
        for team in ("red", "blue")
    }
    for team, store in made.items():
        listed = invoke(operation="vector_stores.list", tenant=team)["body"]["data"]
        assert [item["id"] for item in listed] == [store]
        other = made["blue" if team == "red" else "red"]
        assert invoke(operation="vector_stores.retrieve", tenant=team, vector_store_id=other)["status"] == 404
        assert invoke(operation="vector_stores.retrieve", api_key=KEY, vector_store_id=store)["status"] == 404
    both = invoke(operation="vector_stores.list", tenant="red", api_key=KEY)
    assert (both["status"], both["body"]["error"]["param"]) == (400, "tenant")


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("invoke_vector_stores_create.json", 200),
        ("invoke_vector_stores_search.json", 404),  # its store is a placeholder
        ("invoke_files_create.json", 200),
        ("invoke_vector_stores_list_for_tenant.json", 200),
    ],
)
def test_the_sample_events_run(event: str, status: int, invoke: Invoke) -> None:
    answer = invoke(json.loads((EVENTS / event).read_text("utf-8")))
    assert answer["status"] == status, answer


def test_an_event_is_taken_and_done_afterwards(lambda_client: Any, invoke: Invoke) -> None:
    payload = json.dumps({"operation": "vector_stores.create", "tenant": "later", "body": {"name": "from an event"}})
    answer = lambda_client.invoke(FunctionName="vectorgate-invoke", InvocationType="Event", Payload=payload)
    assert (answer["StatusCode"], answer["Payload"].read()) == (202, b"")
    for _ in range(200):
        if invoke(operation="vector_stores.list", tenant="later")["body"]["data"]:
            break
        time.sleep(0.02)
    assert [store["name"] for store in invoke(operation="vector_stores.list", tenant="later")["body"]["data"]] == [
        "from an event"
    ]


def test_a_dry_run_does_nothing(lambda_client: Any, invoke: Invoke) -> None:
    payload = json.dumps({"operation": "vector_stores.create", "tenant": "dry", "body": {}})
    answer = lambda_client.invoke(FunctionName="vectorgate-invoke", InvocationType="DryRun", Payload=payload)
    assert answer["StatusCode"] == 204
    assert invoke(operation="vector_stores.list", tenant="dry")["body"]["data"] == []


@pytest.mark.parametrize(
    "name",
    [
        "vectorgate-invoke",
        "vectorgate-invoke:$LATEST",
        "000000000000:function:vectorgate-invoke",
        "arn:aws:lambda:us-east-1:000000000000:function:vectorgate-invoke",
    ],
)
def test_a_function_has_its_names(name: str, lambda_client: Any) -> None:
    answer = lambda_client.invoke(FunctionName=name, LogType="Tail", Payload=b'{"operation": "files.list"}')
    assert json.loads(answer["Payload"].read())["status"] == 401
    assert answer["ExecutedVersion"] == "$LATEST"
    assert b"REPORT RequestId" in base64.b64decode(answer["LogResult"])


def test_what_is_not_there_or_too_large_or_no_json_is_aws_s_own_error(lambda_client: Any) -> None:
    errors = lambda_client.exceptions
    with pytest.raises(errors.ResourceNotFoundException, match="Function not found: arn:aws:lambda"):
        lambda_client.invoke(FunctionName="other", Payload=b"{}")
    with pytest.raises(errors.InvalidRequestContentException, match="Could not parse"):
        lambda_client.invoke(FunctionName="vectorgate-invoke", Payload=b"{")
    with pytest.raises(errors.RequestTooLargeException, match="smaller than 6291456"):
        lambda_client.invoke(FunctionName="vectorgate-invoke", Payload=b'"' + b"a" * 6291456 + b'"')
    event = b'"' + b"a" * 1048576 + b'"'
    with pytest.raises(errors.RequestTooLargeException, match="smaller than 1048576"):
        lambda_client.invoke(FunctionName="vectorgate-invoke", InvocationType="Event", Payload=event)


def test_without_a_signature_nothing_is_invoked(base_url: str) -> None:
    url = f"{base_url}/2015-03-31/functions/vectorgate-invoke/invocations"
    request = urllib.request.Request(url, data=b"{}", headers={"content-type": "text/plain"}, method="POST")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    with refused.value as answer:
        assert answer.code == 403
        assert answer.headers["x-amzn-errortype"] == "MissingAuthenticationTokenException"
