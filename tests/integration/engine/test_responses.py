"""The Responses API through the real client: answers, streams, storage, and the shapes of openai's types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import pytest
from openai import BadRequestError, NotFoundError, OpenAI
from openai.types import Model
from openai.types.responses import InputTokenCountResponse, ResponseItemList

from tests.helpers.openai_shapes import check, check_event, check_response

if TYPE_CHECKING:
    from collections.abc import Iterator

    import httpx

MODEL: Final = "embedded-extractive"
TIDES: Final = "The tides obey the moon. Sailors watch the almanac before they leave the harbour at night."
BREAD: Final = "Knead flour, water, salt and yeast. Let the dough rest until it has doubled, then bake it hot."
QUESTION: Final = "What do the tides obey?"


@pytest.fixture(scope="module")
def files(client: OpenAI) -> dict[str, str]:
    texts = {"tides.md": TIDES, "bread.md": BREAD}
    return {
        name: client.files.create(file=(name, text.encode()), purpose="assistants").id for name, text in texts.items()
    }


@pytest.fixture(scope="module")
def store(client: OpenAI, files: dict[str, str]) -> str:
    """A store of two documents."""
    found = client.vector_stores.create(name="two").id
    attached = [{"file_id": file_id, "attributes": {"name": name}} for name, file_id in files.items()]
    client.vector_stores.file_batches.create_and_poll(found, files=attached)  # type: ignore[arg-type]
    return found


def file_search(*stores: str, **options: object) -> dict[str, Any]:
    return {"type": "file_search", "vector_store_ids": list(stores), **options}


def body(store: str, **options: object) -> dict[str, Any]:
    return {"model": MODEL, "input": QUESTION, "tools": [file_search(store)], **options}


def raw_events(http: httpx.Client, document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The events as they are on the wire: each is named twice, and nothing else is sent."""
    with http.stream("POST", "/responses", json={**document, "stream": True}) as answer:
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert answer.status_code == 200, answer.read()
        for block in "".join(answer.iter_text()).removesuffix("\n\n").split("\n\n"):
            name, data = block.split("\n")
            event: dict[str, Any] = json.loads(data.removeprefix("data: "))
            assert name == f"event: {event['type']}"
            yield event


def test_an_answer_quotes_the_passage_and_cites_its_file(client: OpenAI, store: str, files: dict[str, str]) -> None:
    response = client.responses.create(**body(store))
    call, message = response.output
    assert call.type == "file_search_call"
    assert (call.status, call.queries, call.results) == ("completed", [QUESTION], None)
    assert message.type == "message"
    (part,) = message.content
    assert part.type == "output_text"
    assert part.text == f'tides.md: "{TIDES}"'
    (citation,) = part.annotations
    assert citation.to_dict() == {
        "type": "file_citation",
        "file_id": files["tides.md"],
        "filename": "tides.md",
        "index": len(part.text),
    }


def test_each_shape_is_that_of_openais_types(http: httpx.Client, store: str) -> None:
    function = {"type": "function", "name": "f", "parameters": {"type": "object", "properties": {}}}
    filters = {"type": "eq", "key": "name", "value": "tides.md"}
    ranking = {"ranker": "auto", "score_threshold": 0.1}
    tool = file_search(store, filters=filters, max_num_results=3, ranking_options=ranking)
    more = {"tools": [tool, function], "instructions": "Be brief.", "metadata": {"a": "b"}}
    variants: list[dict[str, Any]] = [{}, more, {"tools": []}]
    for options in variants:
        made = http.post("/responses", json={**body(store), **options}).json()
        response = check_response(made)
        assert made["store"] is True
        stored = http.get(f"/responses/{response.id}").json()
        assert stored == made
        check(ResponseItemList, http.get(f"/responses/{response.id}/input_items").json())
        for event in raw_events(http, {**body(store), **options}):
            check_event(event)
    check(InputTokenCountResponse, http.post("/responses/input_tokens", json={"model": MODEL, "input": "a"}).json())
    (model,) = http.get("/models").json()["data"]
    assert check(Model, model) == check(Model, http.get(f"/models/{MODEL}").json())


def test_a_stream_has_openais_events_in_openais_order(http: httpx.Client, store: str) -> None:
    events = list(raw_events(http, body(store)))
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    kinds = [event["type"].removeprefix("response.") for event in events]
    words = len(f'tides.md: "{TIDES}"'.split())
    assert kinds == [
        "created",
        "in_progress",
        "output_item.added",
        "file_search_call.in_progress",
        "file_search_call.searching",
        "file_search_call.completed",
        "output_item.done",
        "output_item.added",
        "content_part.added",
        *["output_text.delta"] * words,
        "output_text.annotation.added",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


def test_a_stream_and_its_final_response_say_the_same(http: httpx.Client, store: str) -> None:
    events = list(raw_events(http, body(store)))
    final = events[-1]["response"]
    done = [event["item"] for event in events if event["type"] == "response.output_item.done"]
    text = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    assert final["output"] == done
    assert text == done[-1]["content"][0]["text"]
    assert http.get(f"/responses/{final['id']}").json() == final
    begun = events[0]["response"]
    assert (begun["status"], begun["output"], begun["usage"]) == ("in_progress", [], None)


def test_deltas_are_padded_unless_that_is_turned_off(http: httpx.Client, store: str) -> None:
    padded = [event for event in raw_events(http, body(store)) if "obfuscation" in event]
    assert padded
    assert {(len(event["delta"]) + len(event["obfuscation"])) % 16 for event in padded} == {0}
    plain = raw_events(http, body(store, stream_options={"include_obfuscation": False}))
    assert not any("obfuscation" in event for event in plain)


def test_the_clients_stream_helper_follows_the_answer(client: OpenAI, store: str) -> None:
    with client.responses.stream(**body(store)) as stream:
        text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        final = stream.get_final_response()
    assert final.output_text == text == f'tides.md: "{TIDES}"'


def test_the_results_of_a_search_are_shown_to_who_includes_them(client: OpenAI, store: str) -> None:
    response = client.responses.create(**body(store), include=["file_search_call.results"])
    call = response.output[0]
    assert call.type == "file_search_call"
    assert call.results
    assert [result.filename for result in call.results] == ["tides.md", "bread.md"]
    assert call.results[0].text == TIDES
    assert call.results[0].attributes == {"name": "tides.md"}
    again = client.responses.retrieve(response.id, include=["file_search_call.results"])
    assert again.output == response.output
    assert client.responses.retrieve(response.id).output[0].to_dict()["results"] is None


def searched(client: OpenAI, *tools: dict[str, Any], **options: Any) -> list[list[str]]:
    """The names of what each search found."""
    response = client.responses.create(
        model=MODEL,
        input=QUESTION,
        tools=tools,  # type: ignore[arg-type]
        include=["file_search_call.results"],
        **options,
    )
    calls = [item for item in response.output if item.type == "file_search_call"]
    return [[str(result.filename) for result in call.results or []] for call in calls]


def test_the_tools_options_hold(client: OpenAI, store: str) -> None:
    assert searched(client, file_search(store, max_num_results=1)) == [["tides.md"]]
    bread = {"type": "eq", "key": "name", "value": "bread.md"}
    assert searched(client, file_search(store, filters=bread)) == [["bread.md"]]
    assert searched(client, file_search(store, ranking_options={"score_threshold": 0.6})) == [["tides.md"]]
    assert searched(client, file_search(store), file_search(store, filters=bread), max_tool_calls=1) == [
        ["tides.md", "bread.md"]
    ]


def test_several_stores_are_searched_as_one(client: OpenAI, store: str, files: dict[str, str]) -> None:
    other = client.vector_stores.create().id
    client.vector_stores.files.create_and_poll(files["bread.md"], vector_store_id=other)
    assert searched(client, file_search(other, store, max_num_results=2)) == [["tides.md", "bread.md"]]


@pytest.mark.parametrize(
    ("choice", "searches"),
    [
        ("auto", 1),
        ("required", 1),
        ("none", 0),
        ({"type": "file_search"}, 1),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "file_search"}]}, 1),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}, 0),
    ],
)
def test_the_choice_of_tools_is_kept_to(client: OpenAI, store: str, choice: Any, searches: int) -> None:
    response = client.responses.create(**body(store), tool_choice=choice)
    assert [item.type for item in response.output] == ["file_search_call"] * searches + ["message"]
    if not searches:
        assert "writes no text of its own" in response.output_text


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"type": "function", "name": "f"}, "cannot be made to call the tool 'function'"),
        ({"type": "web_search_preview"}, "Tool choice 'web_search_preview' not found in 'tools' parameter."),
        ("always", "Supported values are: 'none', 'auto', and 'required'"),
    ],
)
def test_a_choice_that_cannot_be_met_is_refused(client: OpenAI, store: str, choice: Any, message: str) -> None:
    tools = [file_search(store), {"type": "function", "name": "f"}]
    with pytest.raises(BadRequestError, match=message):
        client.responses.create(**{**body(store), "tools": tools}, tool_choice=choice)


def test_without_file_search_it_says_what_it_is(client: OpenAI) -> None:
    text = client.responses.create(model=MODEL, input="Write a poem.").output_text
    assert text.startswith("embedded-extractive writes no text of its own.")


def test_where_nothing_is_found_it_says_so(client: OpenAI) -> None:
    empty = client.vector_stores.create().id
    response = client.responses.create(**body(empty))
    assert response.output_text == "No passage was found in the vector stores that were searched."


def test_usage_counts_what_was_read_and_what_was_answered(client: OpenAI, store: str) -> None:
    def tokens(text: str) -> int:
        return client.responses.input_tokens.count(model=MODEL, input=text).input_tokens

    response = client.responses.create(**body(store), instructions="Be brief.")
    assert response.usage
    read = tokens(QUESTION) + tokens("Be brief.") + tokens(TIDES) + tokens(BREAD)
    assert response.usage.input_tokens == read
    assert response.usage.output_tokens == tokens(response.output_text)
    assert response.usage.total_tokens == read + response.usage.output_tokens


def test_an_answer_ends_at_the_limit_of_its_tokens(client: OpenAI, http: httpx.Client, store: str) -> None:
    whole = client.responses.create(**body(store)).output_text
    response = client.responses.create(**body(store), max_output_tokens=16)
    assert (response.status, response.incomplete_details) == ("incomplete", response.incomplete_details)
    assert response.incomplete_details
    assert response.incomplete_details.reason == "max_output_tokens"
    assert whole.startswith(response.output_text)
    assert response.usage
    assert response.usage.output_tokens == 16
    events = list(raw_events(http, body(store, max_output_tokens=16)))
    assert events[-1]["type"] == "response.incomplete"
    assert not [event for event in events if event["type"].endswith("annotation.added")]


def test_a_response_is_deleted_for_good(client: OpenAI, http: httpx.Client, store: str) -> None:
    response = client.responses.create(**body(store))
    assert http.delete(f"/responses/{response.id}").json() == {"id": response.id, "object": "response", "deleted": True}
    for again in (client.responses.retrieve, client.responses.delete, client.responses.cancel):
        with pytest.raises(NotFoundError, match=f"Response with id '{response.id}' not found."):
            again(response.id)
    with pytest.raises(BadRequestError, match="Previous response with id") as refused:
        client.responses.create(**body(store), previous_response_id=response.id)
    assert refused.value.code == "previous_response_not_found"


def test_what_is_not_stored_cannot_be_retrieved(client: OpenAI, store: str) -> None:
    response = client.responses.create(**body(store), store=False)
    with client.responses.stream(**body(store), store=False) as stream:
        streamed = stream.get_final_response()
    for each in (response, streamed):
        with pytest.raises(NotFoundError):
            client.responses.retrieve(each.id)


def test_a_stored_response_expires(clocked: Any) -> None:
    response = clocked.client.responses.create(model=MODEL, input="a")
    clocked.later(30 * 86_400 - 1)
    assert clocked.client.responses.retrieve(response.id) == response
    clocked.later(1)
    with pytest.raises(NotFoundError):
        clocked.client.responses.retrieve(response.id)


def test_a_model_that_is_not_there_is_not_found(client: OpenAI, store: str) -> None:
    with pytest.raises(NotFoundError, match=r"The model 'gpt-4\.1:x' does not exist"):
        client.models.retrieve("gpt-4.1:x")
    with pytest.raises(BadRequestError, match=r"The requested model 'gpt-4\.1' does not exist\.") as refused:
        client.responses.create(**{**body(store), "model": "gpt-4.1"})
    assert refused.value.code == "model_not_found"
