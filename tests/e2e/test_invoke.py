"""The invoke function on the deployed stack, as boto3 calls it, with budgets and repetitions as over HTTP."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from openai import OpenAI

from tests.harnesses.aws_stack import ROOT, Stack, eventually, sample
from vectorgate.auth.authenticate import key_id_of
from vectorgate.budgets.model import LIFETIME, Account, BudgetScope, Subject
from vectorgate.idempotency.service import implicit_record
from vectorgate.ledger.entry import State
from vectorgate.persistence.dynamodb.budgets import account_key
from vectorgate.persistence.dynamodb.idempotency import record_key
from vectorgate.persistence.dynamodb.schema import entry_of_item, operation_item

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(240)]

WITHIN = 30.0  # as in test_stack
ENDS_WITHIN = 60.0  # an execution with a cold start


@pytest.fixture(scope="module")
def budgeted(stack: Stack) -> str:
    """A key with a budget of one dollar, of a team with two."""
    stack.ask("POST", "/team/new", key=stack.master_key, body={"team_id": "frugal", "max_budget": 2})
    body = {"team_id": "frugal", "max_budget": 1}
    return str(stack.ask("POST", "/key/generate", key=stack.master_key, body=body).body["key"])


@pytest.fixture
def client(stack: Stack, budgeted: str) -> Iterator[OpenAI]:
    with closing(
        OpenAI(
            api_key=budgeted,
            base_url=f"{stack.aws.url}/v1",
            default_headers={"Host": stack.host},
            max_retries=0,
            timeout=60,
        )
    ) as made:
        yield made


def test_an_invocation_makes_a_store_and_leaves_a_settled_record(stack: Stack, key: str) -> None:
    payload = {"operation": "vector_stores.create", "api_key": key, "body": {"name": "invoked"}}
    answer = stack.invoked("InvokeFunction", payload)
    assert answer["status"] == 200, answer
    row = stack.settled(answer["headers"]["x-litellm-call-id"], WITHIN)
    assert row["vector_store_id"] == {"S": answer["body"]["id"]}
    assert row["team_id"] == {"S": "red"}


def test_an_invocation_is_within_a_budget_and_executed_once(stack: Stack, budgeted: str) -> None:
    file = {"content": base64.b64encode(b"Ebb and flow.").decode(), "filename": "a.txt", "purpose": "assistants"}
    uploaded = stack.invoked("InvokeFunction", {"operation": "files.create", "api_key": budgeted, "body": file})
    assert uploaded["status"] == 200, uploaded
    payload = sample("invoke_vector_stores_create.json") | {"api_key": budgeted}
    payload["body"] = {**payload["body"], "file_ids": [uploaded["body"]["id"]]}
    first, second = (stack.invoked("InvokeFunction", payload) for _ in range(2))
    assert first["status"] == 200, first
    assert second["headers"]["idempotency-replayed"] == "true"
    assert second["body"] == first["body"]
    assert first["headers"]["x-litellm-key-max-budget"] == "1"
    row = stack.settled(first["headers"]["x-litellm-call-id"], WITHIN)
    assert int(row["reserved"]["N"]) > 0
    account = stack.item(account_key(Account(Subject(BudgetScope.KEY, key_id_of(budgeted)), LIFETIME)))
    assert account is not None
    assert account["reserved"] == {"N": "0"}


def test_the_state_machine_of_the_examples_runs(stack: Stack, key: str) -> None:
    machine = (ROOT / "examples" / "step_functions.json").read_text("utf-8").replace('"Seconds": 10', '"Seconds": 1')
    content = base64.b64encode(b"Machines take one step after the other.").decode()
    uploaded = stack.invoked(
        "InvokeFunction",
        {
            "operation": "files.create",
            "api_key": key,
            "body": {"content": content, "filename": "steps.md", "purpose": "assistants"},
        },
    )
    steps = stack.aws.client("stepfunctions")
    created = steps.create_state_machine(name="create", definition=machine, roleArn=stack.role_of_steps("create-steps"))

    def executed(name: str, by: str) -> dict[str, Any]:
        given = json.dumps({"key": by, "name": name, "file": uploaded["body"]["id"]})
        running = steps.start_execution(stateMachineArn=created["stateMachineArn"], name=name, input=given)

        def ended() -> dict[str, Any] | None:
            execution: dict[str, Any] = steps.describe_execution(executionArn=running["executionArn"])
            return None if execution["status"] == "RUNNING" else execution

        return eventually(ended, ENDS_WITHIN, "the execution ends")

    done = executed("stepped", key)
    assert done["status"] == "SUCCEEDED", done
    assert json.loads(done["output"])["status"] == "completed"
    assert executed("nobodys", "sk-nobody")["status"] == "FAILED"


def test_a_refusal_is_a_result(stack: Stack, key: str) -> None:
    payload: dict[str, Any] = {"operation": "vector_stores.list", "api_key": "sk-nobody"}
    assert stack.invoked("InvokeFunction", payload)["status"] == 401
    assert stack.invoked("InvokeFunction", payload | {"api_key": key})["status"] == 200
    vouched = stack.invoked("InvokeFunction", {"operation": "vector_stores.list", "tenant": "red"})
    assert (vouched["status"], vouched["body"]["error"]["code"]) == (403, "tenant_not_trusted")


def test_a_clients_retry_takes_the_place_of_an_attempt_that_came_to_nothing(stack: Stack, client: OpenAI) -> None:
    first = client.vector_stores.with_raw_response.create(name="tried again")
    row = stack.settled(first.headers["x-litellm-call-id"], WITHIN)
    settled = entry_of_item(row)
    assert settled is not None
    entry = settled.changed(vector_store_id=None)  # as when it began
    idempotency = implicit_record(entry)
    assert idempotency is not None
    assert stack.item(record_key(idempotency)) is not None
    stack.put(operation_item(entry.changed(state=State.VOIDED, status_code=502)))
    again = client.vector_stores.with_raw_response.create(
        name="tried again", extra_headers={"x-stainless-retry-count": "1"}
    )
    assert again.parse().id != first.parse().id
    taken = stack.item(record_key(idempotency))  # the record stays in its place, and names the new operation
    assert taken is not None
    assert taken["operation_id"]["S"] == again.headers["x-litellm-call-id"]
    held = stack.items(record_key(idempotency)["PK"]["S"])
    assert [item["operation_id"]["S"] for item in held] == [again.headers["x-litellm-call-id"]]


def test_an_administrator_sees_what_a_team_may_spend(stack: Stack, budgeted: str) -> None:
    assert budgeted
    answer = stack.ask("GET", "/team/info?team_id=frugal", key=stack.master_key)
    assert (answer.status, answer.body["team_info"]["max_budget"]) == (200, 2)
    made = stack.ask("POST", "/customer/new", key=stack.master_key, body={"user_id": "ada", "max_budget": 3})
    assert made.status == 200, made
