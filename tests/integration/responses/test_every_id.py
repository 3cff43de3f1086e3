"""Every place of OpenAI's request that can hold an id: what is foreign or absent there reaches no provider.

The places are found in the types of the installed SDK. A field that a later SDK adds is a case of its own here, and
fails until the gateway knows what it names.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from openai.types.responses import InputTokenCountParams, ResponseCompactParams
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)

from tests.harnesses.tenants import BLUE, RED
from tests.helpers.openai_fields import Place, id_places, text_places
from vectorgate.api.http import Body, Request
from vectorgate.api.references import LOCAL
from vectorgate.ids import ObjectId, ObjectKind
from vectorgate.tenancy.ownership import ObjectRef, Ownership

if TYPE_CHECKING:
    from tests.harnesses.gateway import GatewayHarness

PLACES = id_places(ResponseCreateParamsNonStreaming)
# The ids that a place may hold: of every kind that a tenant owns. Which of them it names is the gateway's to know.
OWN = {
    ObjectKind.VECTOR_STORE: "vs_red",
    ObjectKind.FILE: "file-red",
    ObjectKind.RESPONSE: "resp_red",
    ObjectKind.ITEM: "item_red",
    ObjectKind.CONTAINER: "cntr_red",
}
# Places that name nothing which is stored: ids that the caller makes, and ids of parts beside their content.
MADE_BY_CALLER = {*LOCAL, "safety_identifier"}
# What an account has and no tenant owns: allowed to a key by name, and then unchecked.
BY_NAME = {"connector_id", "conversation", "skill_id", "tunnel_id"}
# Every name of a text in a request. None but those that `api.references` knows, and `id`, names a stored object.
TEXTS = """
a_name allowed_domains allowed_tools approval_request_id arguments authorization call_id caller_id categories
city code command commands comparison_response_id container container_id content continuation_id conversation
country data definition description diff domain encrypted_content error file_data file_id file_ids file_url
filename fingerprint id image_url input instructions key keys logs message mode model name namespace output
param path pattern previous_response_id prompt_cache_key queries query reason refusal region result
revised_prompt safety_identifier server_description server_label server_url size skill_id stderr stdout text
timezone title token tool_names tunnel_id type url user value vector_store_ids version working_directory
"""


@pytest.fixture
def gateway(harness: GatewayHarness) -> GatewayHarness:
    for secret, team in ((RED, "red"), (BLUE, "blue")):
        harness.key(secret, team=team, models=("*",), allowed_tools=("*",))
    key = harness.stores.keys
    assert key is not None
    harness.stores.ledger.insert_ownership(  # type: ignore[attr-defined]
        [
            Ownership(
                ref=ObjectRef(next(iter(harness.gateway.providers)), kind, ObjectId(name)),
                tenant=harness.gateway.authenticator.authenticate(RED).tenant,
                key_id=harness.gateway.authenticator.authenticate(RED).key.id,
                created_at=1,
            )
            for kind, name in OWN.items()
        ]
    )
    return harness


def ask(
    harness: GatewayHarness, key: str, body: dict[str, Any], *, stream: bool | None = False, below: str = ""
) -> tuple[int, bytes]:
    more = {} if stream is None else {"stream": stream}
    content = json.dumps({"model": "gpt-5-mini", "input": "q", **body, **more}).encode()
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json"}
    request = Request(method="POST", path=f"/v1/responses{below}", headers=headers, body=Body.of(content))
    response = harness.gateway.handle(request)
    return response.status, response.read_body()


def is_stored(place: Place) -> bool:
    """Whether the place names a stored object that a tenant can own."""
    if place.name in MADE_BY_CALLER | BY_NAME:
        return False
    if place.name == "id":
        return [name for name, _ in place.steps] == ["input", "[]", "id"]
    in_a_container = ("file_id", "container_file_citation") in place.steps
    return not in_a_container


STORED = [place for place in PLACES if is_stored(place)]
EACH = pytest.mark.parametrize("place", STORED, ids=str)


def test_the_walk_finds_what_the_reference_documents() -> None:
    names = {place.name for place in PLACES}
    assert {"vector_store_ids", "file_id", "file_ids", "container_id", "previous_response_id", "id"} <= names
    assert len(STORED) > 60
    paths = {".".join(name for name, _ in place.steps) for place in STORED}
    assert {"tools.[].vector_store_ids.[]", "input.[].tools.[].vector_store_ids.[]", "input.[].id"} <= paths
    assert {"tools.[].container", "input.[].tools.[].container"} <= paths


def test_a_text_of_a_new_name_is_looked_at_before_it_is_forwarded() -> None:
    """What a later SDK adds fails here, whatever it is called: does it name an object of the account?"""
    assert {place.name for place in text_places(ResponseCreateParamsStreaming)} == set(TEXTS.split())
    other_ids = {".".join(name for name, _ in place.steps) for place in PLACES if place.name == "id"} - {"input.[].id"}
    of_calls = {f"input.[].{state}_safety_checks.[].id" for state in ("pending", "acknowledged")}
    assert other_ids == {"conversation.id", "prompt.id", *of_calls}


@EACH
@pytest.mark.parametrize("stream", [False, True])
def test_foreign_and_absent_are_alike_at_every_place_and_reach_no_provider(
    gateway: GatewayHarness, place: Place, *, stream: bool
) -> None:
    seen = []
    for own, absent in zip(OWN.values(), ("vs_none", "file-none", "resp_none", "item_none", "cntr_none"), strict=True):
        foreign = ask(gateway, BLUE, place.filled(own), stream=stream)
        missing = ask(gateway, BLUE, place.filled(absent), stream=stream)
        assert foreign[0] in {400, 404}
        assert (foreign[0], foreign[1].replace(own.encode(), b"ID")) == (
            missing[0],
            missing[1].replace(absent.encode(), b"ID"),
        )
        seen.append(foreign[0])
    assert gateway.upstream.calls == 0


def test_a_stream_has_the_same_places_and_compaction_and_counts_let_nothing_foreign_through(
    gateway: GatewayHarness,
) -> None:
    assert id_places(ResponseCreateParamsStreaming) == PLACES
    for below, params in (("/compact", ResponseCompactParams), ("/input_tokens", InputTokenCountParams)):
        places = [place for place in id_places(params) if is_stored(place)]
        assert len(places) > 50
        for place in places:
            refusals = {ask(gateway, BLUE, place.filled(own), stream=None, below=below)[0] for own in OWN.values()}
            assert refusals <= {400, 404}, (below, str(place))
    assert gateway.upstream.calls == 0


@EACH
def test_an_own_object_passes_at_every_place(gateway: GatewayHarness, place: Place) -> None:
    statuses = [ask(gateway, RED, place.filled(own))[0] for own in OWN.values()]
    assert statuses.count(200) == 1, statuses
    assert gateway.upstream.calls == 1


@pytest.mark.parametrize("place", [place for place in PLACES if place.name in BY_NAME], ids=str)
def test_what_no_tenant_owns_is_refused_unless_the_key_is_allowed_it(gateway: GatewayHarness, place: Place) -> None:
    gateway.key("sk-default", team="red", models=("*",))
    status, content = ask(gateway, "sk-default", place.filled("x_1"))
    assert (status, json.loads(content)["error"]["code"]) == (403, "tool_not_allowed")
    assert gateway.upstream.calls == 0


@pytest.mark.parametrize(
    "body",
    [
        {"conversation": "conv_1"},
        {"conversation": {"id": "conv_1"}},
        {"prompt": {"id": "pmpt_1"}},
        {"tools": [{"type": "mcp", "server_label": "a", "server_url": "https://example.com"}]},
        {"tools": [{"type": "image_generation"}]},
        {"tools": [{"type": "surprise"}]},
        {"input": [{"type": "mcp_approval_response", "approval_request_id": "a", "approve": True}]},
        {"input": [{"type": "surprise_call"}]},
        {"input": [{"type": "additional_tools", "tools": [{"type": "mcp", "server_label": "a"}]}]},
    ],
)
def test_what_reaches_the_unchecked_is_refused_by_default_and_allowed_by_name(
    gateway: GatewayHarness, body: dict[str, Any]
) -> None:
    gateway.key("sk-default", team="red", models=("*",))
    status, content = ask(gateway, "sk-default", body)
    assert (status, json.loads(content)["error"]["code"], gateway.upstream.calls) == (403, "tool_not_allowed", 0)
    assert ask(gateway, RED, body)[0] == 200


def test_the_items_and_containers_of_a_response_belong_to_its_tenant(gateway: GatewayHarness) -> None:
    status, content = ask(gateway, RED, {})
    item = json.loads(content)["output"][-1]
    assert status == 200
    again = {"input": [item, {"role": "user", "content": "more"}]}
    assert ask(gateway, RED, again)[0] == 200
    calls = gateway.upstream.calls
    assert ask(gateway, BLUE, again)[0] == 404
    assert ask(gateway, BLUE, {"input": [{"type": "item_reference", "id": item["id"]}]})[0] == 404
    assert gateway.upstream.calls == calls
