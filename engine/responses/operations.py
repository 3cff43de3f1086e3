"""What a request to `/responses` does."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine import errors, ids
from engine.model import Json, PageQuery
from engine.responses import context, drafts, items, pages, support, tokens, tools
from engine.responses.events import EventWriter, before, live, replay
from engine.responses.request import LIST_LIMIT
from engine.responses.turn import Turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.engine import Engine
    from engine.model import StoredResponse
    from engine.ports import Rows
    from engine.responses.request import (
        CompactResponse,
        CountInputTokens,
        CreateResponse,
        InputItemsQuery,
        RetrieveQuery,
    )


EventGenerator = Generator[Json | None, None, None]


@dataclass(frozen=True, slots=True)
class Events:
    """A stream of events for a client. None: there is nothing new yet. To be closed when the client disconnects."""

    generator: EventGenerator


def create(engine: Engine, body: CreateResponse) -> Json | Events:
    """`POST /responses`: the response, its events, or the response that waits in the queue."""
    support.check_new(body)
    response = drafts.draft(body, context.read(engine, body), engine.now(), engine.random)
    turn = Turn(engine, response)
    turn.check()
    writer = _writer(engine, body.include, obfuscated=body.stream_options.include_obfuscation)
    if body.background:
        turn.open()
        engine.queue.notify()
        return Events(_follow(engine, response.id, writer)) if body.stream else response.body
    if body.stream:
        return Events(live(turn, writer))
    return drafts.show(turn.run(), body.include)


def _writer(engine: Engine, include: Sequence[str], *, obfuscated: bool) -> EventWriter:
    return EventWriter(include, engine.random if obfuscated else None)


def get(rows: Rows, response_id: str, now: int) -> StoredResponse:
    """The response. NotFound."""
    found = rows.responses.get(response_id, now)
    if found is None:
        raise errors.no_response(response_id)
    return found


def retrieve(engine: Engine, response_id: str, query: RetrieveQuery) -> Json | Events:
    """`GET /responses/{response_id}`: the response as it is now, or its events."""
    with engine.catalogue.read() as rows:
        found = get(rows, response_id, engine.now())
    if not query.stream:
        return drafts.show(found.body, query.include)
    writer = _writer(engine, query.include, obfuscated=query.include_obfuscation)
    return Events(_after(query.starting_after, _follow(engine, response_id, writer)))


def _after(number: int | None, events: EventGenerator) -> EventGenerator:
    """The events that follow the one with that number."""
    for event in events:
        if event is None or number is None or int(str(event["sequence_number"])) > number:
            yield event


def _follow(engine: Engine, response_id: str, writer: EventWriter) -> EventGenerator:
    """The events of a stored response, as far as it is made by then. One that is deleted meanwhile ends them."""
    response = _now(engine, response_id)
    if response is not None:
        yield from writer.beginning(before(response.body))
    while response is not None and response.status not in drafts.ENDED:
        yield None
        response = _now(engine, response_id)
    if response is not None:
        yield from replay(response.body, writer)


def _now(engine: Engine, response_id: str) -> StoredResponse | None:
    with engine.catalogue.read() as rows:
        return rows.responses.get(response_id, engine.now())


def delete(engine: Engine, response_id: str) -> Json:
    """`DELETE /responses/{response_id}`."""
    with engine.catalogue.write() as rows:
        get(rows, response_id, engine.now())
        rows.responses.delete(response_id)
    return {"id": response_id, "object": "response", "deleted": True}


def cancel(engine: Engine, response_id: str) -> Json:
    """`POST /responses/{response_id}/cancel`: one that has ended stays as it is."""
    with engine.catalogue.write() as rows:
        found = get(rows, response_id, engine.now())
        if not found.body["background"]:
            raise errors.not_in_background(response_id)
        if found.status not in drafts.ENDED:
            found = replace(found, status="cancelled", body={**found.body, "status": "cancelled"})
            rows.responses.settle(found)
    return drafts.show(found.body, ())


def input_items(engine: Engine, response_id: str, query: InputItemsQuery) -> Json:
    """`GET /responses/{response_id}/input_items`: all that the response was given to read, newest first by default."""
    with engine.catalogue.read() as rows:
        found = get(rows, response_id, engine.now())
    return pages.listing(found.items, PageQuery(query.limit or LIST_LIMIT, query.order, query.after, query.before))


def input_tokens(engine: Engine, body: CountInputTokens) -> Json:
    """`POST /responses/input_tokens`: what a response would read before it searches."""
    support.check(body)
    tools.called(tools.tool_objects(body.tools), body.tool_choice)
    read = tokens.of_input(engine.embedder, body.instructions, context.read(engine, body))
    return {"object": "response.input_tokens", "input_tokens": read}


def compact(engine: Engine, body: CompactResponse) -> Json:
    """`POST /responses/compact`: the user's messages, and an item with all else, compressed."""
    support.check_prompted(body)
    read = context.read(engine, body)
    kept, rest = items.divide(read)
    item = {
        "id": ids.item_id("cmp", engine.random),
        "type": "compaction",
        "encrypted_content": base64.b64encode(zlib.compress(json.dumps(rest).encode())).decode(),
    }
    return {
        "id": ids.response_id(engine.random),
        "object": "response.compaction",
        "created_at": engine.now(),
        "output": [*kept, item],
        "usage": tokens.usage(tokens.of_input(engine.embedder, body.instructions, read), 0),
    }
