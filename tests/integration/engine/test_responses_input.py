"""What a response is given to read: items, conversations, tools that items bring, and what is refused."""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING, Any, Final

import pytest
from openai.types.responses import ResponseItemList

from tests.helpers.openai_shapes import check

if TYPE_CHECKING:
    import httpx
    from openai import OpenAI

MODEL: Final = "embedded-extractive"
QUESTION: Final = "What do the tides obey?"
TEXTS: Final = {"tides.md": "The tides obey the moon.", "bread.md": "Yeast makes bread rise in a warm kitchen."}


@pytest.fixture(scope="module")
def store(client: OpenAI) -> str:
    ids = [client.files.create(file=(n, text.encode()), purpose="assistants").id for n, text in TEXTS.items()]
    found = client.vector_stores.create().id
    client.vector_stores.file_batches.create_and_poll(found, file_ids=ids)
    return found


def file_search(store: str, **options: object) -> dict[str, Any]:
    return {"type": "file_search", "vector_store_ids": [store], **options}


def post(http: httpx.Client, **body: object) -> dict[str, Any]:
    answer = http.post("/responses", json={"model": MODEL, **body})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def text(response: dict[str, Any]) -> str:
    found: str = response["output"][-1]["content"][0]["text"]
    return found


def user(content: object) -> dict[str, Any]:
    return {"role": "user", "content": content}


@pytest.mark.parametrize(
    "asked",
    [
        QUESTION,
        [user(QUESTION)],
        [{"type": "message", **user([{"type": "input_text", "text": QUESTION}])}],
        [user([{"type": "input_text", "text": "What do"}, {"type": "input_text", "text": "the tides obey?"}])],
        [{"role": "system", "content": "Speak of bread."}, user(QUESTION)],
        [user("Why does bread rise?"), {"role": "assistant", "content": "Yeast."}, user(QUESTION)],
        [user(QUESTION), {"type": "function_call_output", "call_id": "call_1", "output": "bread"}],
    ],
)
def test_the_last_message_of_the_user_is_what_is_searched_for(http: httpx.Client, store: str, asked: object) -> None:
    response = post(http, input=asked, tools=[file_search(store)])
    assert text(response).startswith('tides.md: "The tides obey the moon."')


def test_a_response_continues_another(client: OpenAI, http: httpx.Client, store: str) -> None:
    first = post(http, input="Why does bread rise?", tools=[file_search(store)], instructions="Be brief.")
    second = post(http, input=QUESTION, tools=[file_search(store)], previous_response_id=first["id"])
    assert second["instructions"] is None
    assert text(second).startswith("tides.md")
    assert second["usage"]["input_tokens"] > first["usage"]["input_tokens"]
    listed = http.get(f"/responses/{second['id']}/input_items", params={"order": "asc"}).json()
    check(ResponseItemList, listed)
    assert [item["type"] for item in listed["data"]] == ["message", "file_search_call", "message", "message"]
    assert [item["id"] for item in listed["data"][1:3]] == [item["id"] for item in first["output"]]
    pages = client.responses.input_items.list(second["id"], limit=1, order="asc")
    assert [item.id for item in pages] == [item["id"] for item in listed["data"]]
    assert [item.id for item in client.responses.input_items.list(second["id"])] == [
        item["id"] for item in reversed(listed["data"])
    ]


def test_an_item_can_be_referred_to_by_its_id(http: httpx.Client, store: str) -> None:
    first = post(http, input="Why does bread rise?", tools=[file_search(store)])
    references = [{"type": "item_reference", "id": item["id"]} for item in first["output"]]
    second = post(http, input=[user("Why?"), *references, user(QUESTION)], tools=[file_search(store)])
    read = http.get(f"/responses/{second['id']}/input_items", params={"order": "asc"}).json()["data"]
    assert read[1:3] == first["output"]
    http.delete(f"/responses/{first['id']}")
    http.delete(f"/responses/{second['id']}")
    absent = http.post("/responses", json={"model": MODEL, "input": [*references, user(QUESTION)]})
    assert absent.status_code == 404
    assert absent.json()["error"]["message"].startswith(f"Item with id '{references[0]['id']}' not found.")


def test_tools_that_an_item_brings_are_used(http: httpx.Client, store: str) -> None:
    item = {"type": "additional_tools", "role": "developer", "tools": [file_search(store, max_num_results=1)]}
    response = post(http, input=[item, user(QUESTION)])
    assert [item["type"] for item in response["output"]] == ["file_search_call", "message"]
    assert response["tools"] == []


def test_the_weights_of_a_hybrid_search_count(http: httpx.Client, store: str) -> None:
    def scores(**options: object) -> list[float]:
        tool = file_search(store, ranking_options=options)
        include = ["file_search_call.results"]
        response = post(http, input="The tides obey yeast", tools=[tool], include=include)
        return [result["score"] for result in response["output"][0]["results"]]

    served = scores()
    assert scores(hybrid_search={"embedding_weight": 5, "text_weight": 5}) == served
    assert scores(hybrid_search={"embedding_weight": 1, "text_weight": 0}) == scores(ranker="none") != served


def test_compaction_keeps_the_users_messages_and_holds_all_else(http: httpx.Client, store: str) -> None:
    first = post(http, input=QUESTION, tools=[file_search(store)])
    asked = {"model": MODEL, "input": "And bread?", "previous_response_id": first["id"]}
    compacted = http.post("/responses/compact", json=asked).json()
    assert compacted["object"] == "response.compaction"
    *kept, item = compacted["output"]
    assert [message["content"][0]["text"] for message in kept] == [QUESTION, "And bread?"]
    assert json.loads(zlib.decompress(base64.b64decode(item["encrypted_content"]))) == first["output"]
    assert compacted["usage"]["output_tokens"] == 0
    again = post(http, input=[*compacted["output"], user(QUESTION)], tools=[file_search(store)])
    assert text(again).startswith("tides.md")


REFUSALS: Final[list[tuple[dict[str, Any], str | None, str]]] = [
    ({}, "input", "Missing required parameter: one of 'input' or 'previous_response_id' must be provided."),
    ({"input": 5}, "input", "Invalid type for 'input': expected one of a string or an array of input items"),
    ({"input": [5]}, "input[0]", "Invalid type for 'input[0]': expected an object"),
    ({"input": [{"type": "poem"}]}, "input[0].type", "Invalid value: 'poem'."),
    ({"input": [{"content": "a"}]}, "input[0].type", "Missing required parameter: 'input[0].type'."),
    ({"input": [{"role": "critic", "content": "a"}]}, "input[0].role", "Invalid value: 'critic'."),
    ({"input": [user(5)]}, "input[0].content", "Invalid type for 'input[0].content'"),
    ({"input": [user([5])]}, "input[0].content[0]", "Invalid type for 'input[0].content[0]'"),
    ({"input": [user([{"type": "input_text"}])]}, "input[0].content[0].text", "Invalid type for 'input[0].content"),
    ({"input": [user([{"type": "input_image"}])]}, "input[0].content[0]", "Unsupported parameter: 'input[0]"),
    ({"input": [{**user("a"), "id": "../a"}]}, "input[0].id", "Invalid 'input[0].id': '../a'."),
    ({"input": [{"type": "additional_tools"}]}, "input[0].tools", "Invalid type for 'input[0].tools'"),
    ({"input": "a", "nonsense": 1}, "nonsense", "Unknown parameter: 'nonsense'."),
    ({"input": "a", "temperature": 3}, "temperature", "Invalid 'temperature': decimal above maximum value."),
    ({"input": "a", "max_output_tokens": 15}, "max_output_tokens", "Invalid 'max_output_tokens': integer below"),
    ({"input": "a", "include": ["everything"]}, "include[0]", "Invalid value: 'everything'."),
    ({"input": "a", "metadata": {"a": 1}}, "metadata.a", "Invalid type for 'metadata.a'"),
    ({"input": "a", "conversation": "conv_1"}, "conversation", "Conversation with id 'conv_1' not found."),
    ({"input": "a", "prompt": {"id": "pmpt_1"}}, "prompt", "Prompt with id 'pmpt_1' not found."),
    ({"input": "a", "moderation": {"model": "m"}}, "moderation", "Unsupported parameter: 'moderation'"),
    ({"input": "a", "reasoning": {"effort": "low"}}, "reasoning.effort", "Unsupported parameter: 'reasoning.effort'"),
    ({"input": "a", "top_logprobs": 3}, "top_logprobs", "Unsupported parameter: 'top_logprobs'"),
    (
        {"input": "a", "text": {"format": {"type": "json_object"}}},
        "text.format",
        "Unsupported parameter: 'text.format'",
    ),
    ({"input": "a", "tools": [{}]}, "tools[0].type", "Missing required parameter: 'tools[0].type'."),
    ({"input": "a", "tools": [{"type": "wand"}]}, "tools[0].type", "Invalid value: 'wand'."),
    ({"input": "a", "tools": [{"type": "function"}]}, "tools[0].name", "Missing required parameter: 'tools[0].name'."),
    (
        {"input": "a", "tools": [{"type": "file_search"}]},
        "tools[0].vector_store_ids",
        "Missing required parameter: 'tools[0].vector_store_ids'.",
    ),
    (
        {"input": "a", "tools": [{"type": "file_search", "vector_store_ids": []}]},
        "tools[0].vector_store_ids",
        "Invalid 'tools[0].vector_store_ids': empty array.",
    ),
    (
        {"input": "a", "tools": [file_search("vs_a", max_num_results=51)]},
        "tools[0].max_num_results",
        "Invalid 'tools[0].max_num_results': integer above maximum value.",
    ),
    (
        {"input": "a", "tools": [file_search("vs_a", filters={"type": "eq", "key": "k", "value": [1]})]},
        "tools[0].filters.value",
        "Invalid type for 'tools[0].filters.value'",
    ),
    (
        {
            "input": "a",
            "tools": [
                file_search("vs_a", ranking_options={"hybrid_search": {"embedding_weight": 0, "text_weight": 0}})
            ],
        },
        "tools[0].ranking_options.hybrid_search",
        "Invalid 'tools[0].ranking_options.hybrid_search': expected at least one weight above 0.",
    ),
    ({"input": "a", "tools": [file_search("vs_absent")]}, None, "No vector store found with id 'vs_absent'."),
    (
        {"input": "a", "tool_choice": "required"},
        "tool_choice",
        "Tool choice 'required' not found in 'tools' parameter.",
    ),
]


@pytest.mark.parametrize(("body", "param", "message"), REFUSALS, ids=[message for _, _, message in REFUSALS])
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_answered_is_refused_before_anything_is_sent(
    http: httpx.Client, body: dict[str, Any], param: str | None, message: str, *, stream: bool
) -> None:
    answer = http.post("/responses", json={"model": MODEL, "stream": stream, **body})
    error = answer.json()["error"]
    assert answer.status_code == (404 if param in {"conversation", "prompt", None} else 400)
    assert (error["param"], error["type"]) == (param, "invalid_request_error")
    assert error["message"].startswith(message)


def test_null_is_the_same_as_absent(http: httpx.Client) -> None:
    fields = ("instructions", "metadata", "store", "temperature", "tools", "tool_choice", "text", "stream", "include")
    assert post(http, input="a", **dict.fromkeys(fields))["store"] is True
