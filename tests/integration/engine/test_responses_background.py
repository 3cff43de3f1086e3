"""Responses in the background, replays, and streams that their client leaves."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Final

import pytest
from openai import BadRequestError, NotFoundError, OpenAI

from engine.bootstrap import Service, build
from engine.responses import operations
from engine.responses.request import CreateResponse
from tests.harnesses.engine_process import KEY
from tests.helpers.openai_shapes import check_event, check_response
from tests.helpers.waiting import within

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx
    from openai.types.responses import Response

MODEL: Final = "embedded-extractive"
TIDES: Final = "The tides obey the moon."


def asked(store: str, **options: object) -> dict[str, Any]:
    tools = [{"type": "file_search", "vector_store_ids": [store]}]
    return {"model": MODEL, "input": "What do the tides obey?", "tools": tools, **options}


@pytest.fixture
def store(clocked: Any) -> str:
    found: str = clocked.client.vector_stores.create(file_ids=[clocked.file(TIDES, "tides.md")]).id
    clocked.work()
    return found


def ended(client: OpenAI, response_id: str) -> Response | None:
    """The response, if it has ended."""
    found = client.responses.retrieve(response_id)
    return None if found.status in {"queued", "in_progress"} else found


def events(raw: httpx.Client, response_id: str, **query: object) -> Iterator[dict[str, Any]]:
    """The events of a stored response, without their padding."""
    params = {"stream": "true", "include_obfuscation": "false", **query}
    text = raw.get(f"/responses/{response_id}", params=params).text  # type: ignore[arg-type]
    for block in text.removesuffix("\n\n").split("\n\n"):
        event: dict[str, Any] = json.loads(block.partition("\ndata: ")[2])
        check_event(event)
        yield event


def test_a_response_in_the_background_is_made_later(clocked: Any, store: str) -> None:
    queued = clocked.client.responses.create(**asked(store), background=True)
    check_response(clocked.raw.get(f"/responses/{queued.id}").json())
    assert (queued.status, queued.output, queued.usage) == ("queued", [], None)
    clocked.later(5)
    done = clocked.client.responses.retrieve(queued.id)
    assert (done.status, done.output_text) == ("completed", f'tides.md: "{TIDES}"')
    assert done.completed_at == queued.created_at + 5


def test_the_worker_of_the_process_makes_it(client: OpenAI) -> None:
    queued = client.responses.create(model=MODEL, input="a", background=True)
    done = within(30, lambda: ended(client, queued.id))
    assert "writes no text of its own" in done.output_text


def test_what_waits_can_be_cancelled_and_stays_so(clocked: Any, store: str) -> None:
    response = clocked.client.responses.create(**asked(store), background=True)
    assert clocked.client.responses.cancel(response.id).status == "cancelled"
    clocked.work()
    assert clocked.client.responses.cancel(response.id).status == "cancelled"
    assert [event["type"] for event in events(clocked.raw, response.id)][-1] == "response.in_progress"


def test_a_finished_response_stays_when_it_is_cancelled(clocked: Any, store: str) -> None:
    response = clocked.client.responses.create(**asked(store), background=True)
    clocked.work()
    done = clocked.client.responses.retrieve(response.id)
    assert clocked.client.responses.cancel(response.id) == done


def test_a_response_in_the_foreground_cannot_be_cancelled(clocked: Any, store: str) -> None:
    response = clocked.client.responses.create(**asked(store))
    with pytest.raises(BadRequestError, match="Cannot cancel a synchronous response"):
        clocked.client.responses.cancel(response.id)


def test_what_is_not_stored_cannot_be_made_in_the_background(clocked: Any, store: str) -> None:
    with pytest.raises(BadRequestError, match="Background mode requires 'store' to be true") as refused:
        clocked.client.responses.create(**asked(store), background=True, store=False)
    assert refused.value.param == "background"


def test_a_stream_in_the_background_has_every_event_and_can_be_taken_up_again(client: OpenAI) -> None:
    stream = list(client.responses.create(model=MODEL, input="a", background=True, stream=True))
    kinds = [event.type for event in stream]
    assert kinds[:3] == ["response.created", "response.queued", "response.in_progress"]
    assert kinds[-1] == "response.completed"
    assert [event.sequence_number for event in stream] == list(range(len(stream)))
    assert stream[0].type == "response.created"
    with client.responses.stream(response_id=stream[0].response.id, starting_after=4) as again:
        assert [event.sequence_number for event in again] == list(range(5, len(stream)))


@pytest.mark.parametrize("background", [False, True])
def test_a_replay_is_the_stream_again(clocked: Any, store: str, *, background: bool) -> None:
    made = clocked.client.responses.create(**asked(store), background=background)
    clocked.work()
    replayed = list(events(clocked.raw, made.id))
    assert [event["sequence_number"] for event in replayed] == list(range(len(replayed)))
    assert replayed[-1]["response"] == clocked.raw.get(f"/responses/{made.id}").json()
    assert list(events(clocked.raw, made.id, starting_after=3)) == replayed[4:]
    live = clocked.raw.post("/responses", json={**asked(store), "stream": True}).text
    kinds = [line.removeprefix("event: ") for line in live.splitlines() if line.startswith("event: ")]
    assert [event["type"] for event in replayed if event["type"] != "response.queued"] == kinds


def streamed(service: Service, store: str) -> operations.EventGenerator:
    """The events of a response that is made while they are taken."""
    created = operations.create(service.engine, CreateResponse.model_validate(asked(store, stream=True)))
    assert isinstance(created, operations.Events)
    return created.generator


def test_a_stream_that_is_left_is_cancelled_or_complete_and_counted(clocked: Any, store: str) -> None:
    whole = [event for event in streamed(clocked.service, store) if event]
    for taken in range(1, len(whole)):
        generator = streamed(clocked.service, store)
        first = next(generator)
        assert first
        for _ in range(taken - 1):
            next(generator)
        generator.close()
        left = clocked.client.responses.retrieve(first["response"]["id"])  # type: ignore[index]
        # The answer is made, and counted, once its first piece is sent.
        searched, answered = taken >= 6, taken >= 8
        assert left.status == ("completed" if answered else "cancelled")
        assert len(left.output) == searched + answered
        assert left.usage
        assert (left.usage.output_tokens > 0) == answered


def test_a_client_that_goes_away_ends_its_response(clocked: Any, store: str) -> None:
    searching, go_on = threading.Event(), threading.Event()
    candidates = clocked.service.engine.index.candidates

    def slow(*arguments: Any) -> Any:
        searching.set()
        assert go_on.wait(30)
        return candidates(*arguments)

    clocked.service.engine.index.candidates = slow
    with clocked.raw.stream("POST", "/responses", json=asked(store, stream=True)) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: response.created"
        response_id = json.loads(next(lines).removeprefix("data: "))["response"]["id"]
        assert searching.wait(30)
    go_on.set()
    left = within(30, lambda: ended(clocked.client, response_id))
    assert left.status == "cancelled"
    assert left.usage
    assert left.usage.input_tokens > 0


def test_a_search_that_fails_fails_the_response(clocked: Any, store: str, caplog: pytest.LogCaptureFixture) -> None:
    def broken(*_: Any) -> Any:
        raise OSError("the disk is gone")

    clocked.service.engine.index.candidates = broken
    live = [event for event in streamed(clocked.service, store) if event]
    assert live[-1]["type"] == "response.failed"
    check_event(live[-1])
    queued = clocked.client.responses.create(**asked(store), background=True)
    clocked.work()
    failed = clocked.client.responses.retrieve(queued.id)
    assert failed.status == "failed"
    assert failed.error.code == "server_error"
    assert [event["type"] for event in events(clocked.raw, queued.id)][-1] == "response.failed"
    assert "the disk is gone" in caplog.text


def test_a_process_that_ends_leaves_nothing_in_progress(tmp_path: Path, embedder: Any) -> None:
    home = tmp_path / "home"

    def start() -> Service:
        return build(home, KEY, embedder=embedder, workers=0)

    service = start()
    body = CreateResponse.model_validate({"model": MODEL, "input": "a", "background": True})
    ids = [str(operations.create(service.engine, body)["id"]) for _ in range(2)]  # type: ignore[index]
    with service.engine.catalogue.write() as rows:
        assert rows.responses.claim()
    service.close()
    service = start()
    while service.worker.step():
        pass
    with service.engine.catalogue.read() as rows:
        found = [operations.get(rows, response_id, 0) for response_id in ids]
    assert [response.status for response in found] == ["failed", "completed"]
    assert check_response(found[0].body).error
    service.close()


def test_a_response_that_is_deleted_while_it_waits_is_not_made(clocked: Any, store: str) -> None:
    response = clocked.client.responses.create(**asked(store), background=True)
    clocked.client.responses.delete(response.id)
    clocked.work()
    with pytest.raises(NotFoundError):
        clocked.client.responses.retrieve(response.id)
