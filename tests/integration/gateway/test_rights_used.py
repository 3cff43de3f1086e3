"""The roles of the api and stream functions allow nothing that no call asks: every kind of key and of operation."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.factories.requests import FORM_TYPE, form
from tests.fakes.in_process_provider import InProcessProvider
from tests.harnesses.dynamodb_gateway import BOUNDED_KEY, KEY, TEAM, DynamoDbGateway, dynamodb_gateway
from tests.helpers.template import granted
from tests.integration.gateway.test_roles import asked_of, refused
from vectorgate.api.http import JSON, Body, Request
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey

if TYPE_CHECKING:
    from collections.abc import Mapping

LIMITED_KEY: Final = "sk-limited"
# What the scenario does not come to, and when it is asked.
ELSEWHERE: Final[Mapping[tuple[str, str], str]] = {
    ("dynamodb:BatchGetItem", "IDX"): "Azure AI Search, which has indexes",
    ("dynamodb:BatchGetItem", "OP"): "one reservation in 64, where an account holds something for ten minutes",
    ("dynamodb:ConditionCheckItem", "BUD"): "the release before, which may run beside this one",
    ("dynamodb:ConditionCheckItem", "OWN"): "an object that a team owns already is answered once more",
    ("dynamodb:ConditionCheckItem", "RATE"): "the release before, which may run beside this one",
    ("dynamodb:DeleteItem", "IDEM"): "0.2.0, which may run beside this release while a stack is updated",
}


def ask(harness: DynamoDbGateway, key: str, method: str, path: str, body: object = None, **headers: str) -> Any:
    """The document of a call that succeeded."""
    given = {"authorization": f"Bearer {key}", "content-type": JSON, **headers}
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    answer = harness.gateway.handle(Request(method=method, path=path, headers=given, body=Body.of(content)))
    document = json.loads(answer.read_body())
    assert answer.status == 200, (method, path, document)
    return document


def use(harness: DynamoDbGateway, key: str) -> None:
    """A file and a store from their creation to their end; the create is sent twice."""
    sent = form(purpose="assistants")
    file = ask(harness, key, "POST", "/v1/files", sent, **{"content-type": FORM_TYPE})["id"]
    for _ in range(2):
        body = {"name": "x", "file_ids": [file]}
        store = ask(harness, key, "POST", "/v1/vector_stores", body, **{"idempotency-key": f"one-{key}"})["id"]
    ask(harness, key, "GET", f"/v1/vector_stores/{store}")
    ask(harness, key, "POST", f"/v1/vector_stores/{store}", {"name": "y"})
    ask(harness, key, "POST", f"/v1/vector_stores/{store}/search", {"query": "q"})
    ask(harness, key, "GET", "/v1/vector_stores")
    ask(harness, key, "DELETE", f"/v1/vector_stores/{store}")
    ask(harness, key, "DELETE", f"/v1/files/{file}")


def limited_key(harness: DynamoDbGateway) -> VirtualKey:
    """A key with limits on its rate."""
    return VirtualKey(
        id=key_id_of(LIMITED_KEY),
        created_at=harness.deps.clock.unix_s(),
        team_id=TEAM,
        rpm_limit=100,
        tpm_limit=100_000,
        max_parallel_requests=3,
        models=("*",),
    )


@pytest.mark.exhaustive
def test_the_roles_of_api_and_stream_allow_what_calls_ask_and_nothing_besides() -> None:
    with dynamodb_gateway(InProcessProvider()) as harness:
        harness.stores.keys.add_key(limited_key(harness))
        with asked_of(harness) as calls:
            for key in (KEY, BOUNDED_KEY, LIMITED_KEY):
                use(harness, key)
            ask(harness, LIMITED_KEY, "POST", "/v1/responses", {"model": "gpt-5-mini", "input": "q"})
    for role in ("ApiRole", "StreamRole"):  # the same gateway, behind two URLs
        assert refused(role, calls) == set()
        assert granted(role) - {(action, key.partition("#")[0]) for action, key, _ in calls} == set(ELSEWHERE)
