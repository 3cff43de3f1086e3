"""A response as a stream of events, in OpenAI's order and shape.

::

    response.created, [response.queued,] response.in_progress
    for each search:  output_item.added, file_search_call.in_progress, .searching, .completed, output_item.done
    for the message:  output_item.added, content_part.added,
                      (output_text.delta ..., output_text.annotation.added) for each quotation,
                      output_text.done, content_part.done, output_item.done
    response.completed, or .incomplete, or .failed

The events of a response follow from the finished response: those that are sent while it is made, and those of a replay,
have the same numbers. Only the padding of deltas (`obfuscation`) is new each time.
"""

from __future__ import annotations

import logging
import re
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from engine.ids import ALPHABET
from engine.responses import drafts

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from engine.ids import RandomBytes
    from engine.model import Json
    from engine.responses.turn import Turn

log = logging.getLogger(__name__)

PADDED_TO: Final = 16  # characters of a delta and its padding, or a multiple
FAILURE: Final = "The server had an error while processing your request."
_PIECES: Final = re.compile(r"\s*\S+|\s+\Z")


class EventWriter:
    """The events of one response, numbered from 0. `padding` None: deltas are not padded."""

    def __init__(self, include: Sequence[str], padding: RandomBytes | None) -> None:
        self._numbers = count()
        self._include = include
        self._padding = padding

    def event(self, kind: str, **members: object) -> Json:
        """One event."""
        return {"type": kind, "sequence_number": next(self._numbers), **members}

    def beginning(self, draft: Json) -> Iterator[Json]:
        """A response that was accepted; one in the background waits in a queue."""
        yield self.event("response.created", response=draft)
        if draft["status"] == "queued":
            yield self.event("response.queued", response=draft)

    def in_progress(self, draft: Json) -> Json:
        """Work on it has begun."""
        return self.event("response.in_progress", response={**draft, "status": "in_progress"})

    def search_begins(self, index: int, call_id: str) -> Iterator[Json]:
        """A call of file_search, up to the search itself."""
        call: Json = {
            "id": call_id,
            "type": "file_search_call",
            "status": "in_progress",
            "queries": [],
            "results": None,
        }
        yield self.event("response.output_item.added", output_index=index, item=call)
        yield self.event("response.file_search_call.in_progress", output_index=index, item_id=call_id)
        yield self.event("response.file_search_call.searching", output_index=index, item_id=call_id)

    def search_ends(self, index: int, call: Json) -> Iterator[Json]:
        """The rest of it."""
        yield self.event("response.file_search_call.completed", output_index=index, item_id=call["id"])
        item = drafts.show_item(call, self._include)
        yield self.event("response.output_item.done", output_index=index, item=item)

    def message(self, index: int, message: dict[str, Any]) -> Iterator[Json]:
        """The message, piece by piece."""
        where = {"item_id": message["id"], "output_index": index, "content_index": 0}
        (part,) = message["content"]
        begun = {**message, "status": "in_progress", "content": []}
        yield self.event("response.output_item.added", output_index=index, item=begun)
        yield self.event("response.content_part.added", **where, part={**part, "annotations": [], "text": ""})
        yield from self._text(where, part)
        yield self.event("response.output_text.done", **where, text=part["text"], logprobs=[])
        yield self.event("response.content_part.done", **where, part=part)
        yield self.event("response.output_item.done", output_index=index, item=message)

    def _text(self, where: dict[str, Any], part: dict[str, Any]) -> Iterator[Json]:
        start = 0
        for number, citation in enumerate(part["annotations"]):
            yield from self._deltas(where, part["text"][start : citation["index"]])
            kind = "response.output_text.annotation.added"
            yield self.event(kind, **where, annotation_index=number, annotation=citation)
            start = citation["index"]
        yield from self._deltas(where, part["text"][start:])

    def _deltas(self, where: dict[str, Any], text: str) -> Iterator[Json]:
        for piece in _PIECES.findall(text):
            padding = {} if self._padding is None else {"obfuscation": _pad(piece, self._padding)}
            yield self.event("response.output_text.delta", **where, delta=piece, logprobs=[], **padding)

    def ending(self, response: Json) -> Iterator[Json]:
        """The finished response. One that was cancelled ends without an event, as OpenAI has none."""
        if response["status"] != "cancelled":
            yield self.event(f"response.{response['status']}", response=drafts.show(response, self._include))


def _pad(piece: str, padding: RandomBytes) -> str:
    return "".join(ALPHABET[byte % len(ALPHABET)] for byte in padding(-len(piece) % PADDED_TO))


def live(turn: Turn, writer: EventWriter) -> Generator[Json, None, None]:
    """The events of a response while it is made. Closed before its end, it leaves the response cancelled."""
    turn.open()
    try:
        yield from writer.beginning(turn.draft)
        yield writer.in_progress(turn.draft)
        yield from _answering(turn, writer)
    except Exception:
        log.exception("response %s failed", turn.draft["id"])
        yield from writer.ending(turn.fail(FAILURE))
    finally:
        turn.abandon()


def _answering(turn: Turn, writer: EventWriter) -> Iterator[Json]:
    for index, call_id in enumerate(turn.call_ids):
        yield from writer.search_begins(index, call_id)
        call = turn.search(index)
        yield from writer.search_ends(index, call)
    finished = turn.finish()
    yield from writer.message(len(turn.call_ids), drafts.output(finished)[-1])
    yield from writer.ending(finished)


def replay(response: Json, writer: EventWriter) -> Iterator[Json]:
    """The events of a response that has ended, from `response.in_progress` on."""
    yield writer.in_progress(before(response))
    for index, item in enumerate(drafts.output(response)):
        if item["type"] == "file_search_call":
            yield from writer.search_begins(index, item["id"])
            yield from writer.search_ends(index, item)
        else:
            yield from writer.message(index, item)
    yield from writer.ending(response)


def before(response: Json) -> Json:
    """A response as it was when it was accepted."""
    status = "queued" if response["background"] else "in_progress"
    nothing = dict.fromkeys(("completed_at", "error", "incomplete_details", "usage"))
    return {**response, **nothing, "status": status, "output": []}
