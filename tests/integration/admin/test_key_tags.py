"""A key's tags, metadata and soft budget: set and shown by the administrator; its tags in each record of its calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories.secrets import MASTER_KEY
from vectorgate.entrypoints.invoke.invocations import InvokeHandler
from vectorgate.gateway.key_tags import recorded_tags
from vectorgate.gateway.parser import MAX_TAGS, MAX_TAGS_LENGTH

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

    from tests.harnesses.gateway import Connect, GatewayHarness

FIELDS: dict[str, object] = {"tags": ["search", "Zoë"], "metadata": {"a": [1]}, "soft_budget": 0.5}


@pytest.fixture
def ask(harness: GatewayHarness, http: httpx.Client) -> Callable[..., Any]:
    """A function that sends an administrator's request over a socket, and returns the answer's document."""
    del harness

    def asked(method: str, path: str, body: object = None, status: int = 200) -> Any:
        answer = http.request(method, path, json=body, headers={"authorization": f"Bearer {MASTER_KEY}"})
        assert answer.status_code == status, answer.text
        return answer.json()

    return asked


def test_a_keys_tags_stand_before_its_calls_own_in_each_record(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any]
) -> None:
    key = ask("POST", "/key/generate", {"tags": [" search", "Zoe\u0308", "", "search"]})["key"]
    client = connect(key)
    client.vector_stores.create(name="a", extra_body={"tags": ["own", "search"]})
    client.files.list(extra_headers={"x-litellm-tags": "search,list"})
    with pytest.raises(openai.NotFoundError):
        client.vector_stores.retrieve("vs_absent")
    with pytest.raises(openai.BadRequestError):
        client.post("/vector_stores", body={"name": 1}, cast_to=object)
    payload = {"operation": "vector_stores.create", "api_key": key, "tags": ["invoked"]}
    assert InvokeHandler(harness.gateway).answer(payload, None)["status"] == 200
    ask("POST", "/key/block", {"key": key})
    harness.gateway.forget()
    with pytest.raises(openai.PermissionDeniedError):
        client.files.list()
    of_key = ["search", "Zoë"]
    recorded = [[*of_key, "own"], [*of_key, "list"], of_key, of_key, [*of_key, "invoked"], of_key]
    assert [list(row.tags) for row in harness.rows()] == recorded
    assert {tuple(row["request_tags"]) for row in ask("GET", "/spend/logs")} == set(map(tuple, recorded))


def test_they_are_shown_kept_changed_and_removed_as_metadata_and_soft_budget_are(ask: Callable[..., Any]) -> None:
    first = ask("POST", "/key/generate", FIELDS)
    ask("POST", "/key/update", {"key": first["key"], "key_alias": "n"})
    second = ask("POST", "/key/regenerate", {"key": first["key"]})
    (listed,) = ask("GET", "/key/list?return_full_object=true")["keys"]
    for shown in (first, second, listed, ask("GET", f"/key/info?key={second['key']}")["info"]):
        assert {name: shown[name] for name in FIELDS} == FIELDS
    token = second["token"]
    assert ask("POST", "/key/update", {"key": token, "tags": ["other"]})["tags"] == ["other"]
    assert ask("POST", "/key/update", {"key": token, "tags": None, "metadata": None})["tags"] == []
    created, _, _, replaced, removed = ask("GET", "/audit")["audit_logs"][::-1]
    assert created["updated_values"]["tags"] == FIELDS["tags"]
    assert (replaced["before_value"]["tags"], replaced["updated_values"]["tags"]) == (FIELDS["tags"], ["other"])
    assert removed["updated_values"] == {"tags": [], "metadata": {}}


def test_tags_beyond_the_limits_are_refused_to_the_key_and_left_out_of_its_calls_records(
    harness: GatewayHarness, connect: Connect, ask: Callable[..., Any]
) -> None:
    most = [str(number) for number in range(MAX_TAGS)]
    key = ask("POST", "/key/generate", {"tags": most})["key"]
    for wrong in ([*most, "10"], ["a" * 100, "b" * 100, "c" * 57], ["a#b"], ["\x00"], "a", [1]):
        assert ask("POST", "/key/generate", {"tags": wrong}, 400)["error"]["param"].startswith("tags"), wrong
        ask("POST", "/key/update", {"key": key, "tags": wrong}, 400)
    connect(key).vector_stores.create(name="a", extra_body={"tags": [*"abcdefghij"]})
    assert list(harness.row().tags) == most


NAMES = st.text(alphabet="abc", min_size=1, max_size=128)


@settings(max_examples=40, deadline=None)
@given(of_key=st.lists(NAMES, max_size=2, unique=True), own=st.lists(NAMES, max_size=MAX_TAGS, unique=True))
def test_a_record_has_all_tags_of_the_key_and_as_many_of_the_calls_as_have_room(
    of_key: list[str], own: list[str]
) -> None:
    tags = recorded_tags(tuple(of_key), tuple(own))
    every = list(dict.fromkeys([*of_key, *own]))
    assert list(tags) == every[: len(tags)]
    assert tags[: len(of_key)] == tuple(of_key)
    following = every[: len(tags) + 1]
    assert len(tags) <= MAX_TAGS
    assert sum(map(len, tags)) <= MAX_TAGS_LENGTH
    assert following == list(tags) or len(following) > MAX_TAGS or sum(map(len, following)) > MAX_TAGS_LENGTH
