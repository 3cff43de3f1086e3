"""OpenAI's Responses API with responses in a dictionary: what it counted is kept for tests to compare with."""

from __future__ import annotations

import itertools
import json
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.fakes.clock import EPOCH
from tests.fakes.upstream import answer

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping

    from tests.fakes.upstream import Act, Received

    Document: TypeAlias = dict[str, Any]

PATH = re.compile(r"/v1/responses/([^/]+)(/cancel|/input_items)?")
MODEL_PATH = re.compile(r"/v1/models/([^/]+)")
MODELS = ("gpt-5", "gpt-5-mini", "gpt-5-nano")
TEXT = "The answer is in the document."
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass
class FakeResponses:
    """Keeps `responses` by id, with what it `counted`: tokens and tool calls of every response that it ran.

    `background`: the status of a background response until `finish`. `cut_after`: how many events of the next streams
    are sent before the connection is closed; None for all. `usage` replaces what it counts. `pause` is waited for
    before each event but the first. `answers_as`: the model that answers name; `tier`: the service tier that they name.
    """

    responses: dict[str, Document] = field(default_factory=dict)
    counted: list[Document] = field(default_factory=list)
    ids: Iterator[int] = field(default_factory=itertools.count)
    cut_after: int | None = None
    usage: Document | None = None
    answers_as: str | None = None
    tier: str | None = None
    ended_streams: int = 0
    closed_streams: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    pause: threading.Event | None = None

    def act_for(self, received: Received) -> Act | None:
        """The act that answers a request of this API; None for a request of another."""
        path = received.path.partition("?")[0]
        if path == "/v1/models":
            return answer(200, {"object": "list", "data": [_model(name) for name in MODELS]})
        if match := MODEL_PATH.fullmatch(path):
            return answer(200, _model(match[1])) if match[1] in MODELS else _missing(match[1])
        if path == "/v1/responses/input_tokens":
            return answer(200, {"object": "response.input_tokens", "input_tokens": tokens_of(received.document)})
        if path == "/v1/responses/compact":
            return answer(200, self._compacted(received.document))
        if path == "/v1/responses":
            return self._create(received.document)
        match = PATH.fullmatch(path)
        return self._existing(received, match[1], match[2]) if match else None

    def finish(self, response_id: str) -> None:
        """Let a background response come to its end."""
        self._complete(self.responses[response_id])

    def _create(self, body: Document) -> Act:
        response = self._started(body)
        if body.get("background"):
            return answer(200, {**response, "status": "queued", "output": [], "usage": None})
        done = self._complete(response)
        return self._streaming(done) if body.get("stream") else answer(200, done, {"x-request-id": "req_upstream"})

    def _started(self, body: Document) -> Document:
        number = next(self.ids)
        context = self._context(body)
        brought = [tool for item in context if isinstance(item, dict) for tool in item.get("tools", ())]
        response = {
            "id": f"resp_{number}",
            "object": "response",
            "created_at": int(EPOCH),
            "status": "in_progress",
            "model": self.answers_as or f"{body['model']}-2025-08-07",
            "output": [],
            "usage": None,
            "tools": [*(body.get("tools") or []), *brought],
            "parallel_tool_calls": True,
            "tool_choice": body.get("tool_choice", "auto"),
            "store": body.get("store", True),
            "_input": context,
        }
        if self.tier is not None:
            response["service_tier"] = self.tier
        if body.get("store", True):
            self.responses[str(response["id"])] = response
        return response

    def _context(self, body: Document) -> list[Any]:
        """The items of the conversation, those before this response first."""
        given = body.get("input")
        earlier = self.responses.get(body.get("previous_response_id", ""))
        before = [*earlier["_input"], *earlier["output"]] if earlier is not None else []
        return [*before, *(given if isinstance(given, list) else [given])]

    def _complete(self, response: Document) -> Document:
        output = _output(response)
        usage = self.usage or usage_of(response["_input"], output)
        response.update(status="completed", output=output, usage=usage)
        shown = {name: value for name, value in response.items() if not name.startswith("_")}
        self.counted.append(shown)
        return shown

    def _streaming(self, done: Document) -> Act:
        events = events_of(done)

        def act(connection: socket.socket, received: Received) -> bool:
            del received
            connection.sendall(STREAM_HEAD)
            for number, event in enumerate(events):
                if self.cut_after is not None and number >= self.cut_after:
                    return False
                if self.pause is not None and number:
                    self.pause.wait(30)
                try:
                    connection.sendall(_chunk(event_bytes(event)))
                except OSError:
                    self.closed_streams.release()
                    raise
            connection.sendall(b"0\r\n\r\n")
            self.ended_streams += 1
            return True

        return act

    def _existing(self, received: Received, name: str, rest: str | None) -> Act:
        response = self.responses.get(name)
        if response is None:
            return _missing(name)
        shown = {key: value for key, value in response.items() if not key.startswith("_")}
        if rest == "/cancel":
            response["status"] = "cancelled"
            return answer(200, {**shown, "status": "cancelled"})
        if rest == "/input_items":
            item = {"id": "msg_in", "type": "message", "role": "user", "content": [], "status": "completed"}
            return answer(
                200, {"object": "list", "data": [item], "first_id": "msg_in", "last_id": "msg_in", "has_more": False}
            )
        if received.method == "DELETE":
            del self.responses[name]
            return answer(200, {"id": name, "object": "response", "deleted": True})
        if "stream=true" in received.path:
            return self._streaming(shown)
        return answer(200, shown)

    def _compacted(self, body: Document) -> Document:
        output = [{"id": f"cmp_{next(self.ids)}", "type": "compaction", "encrypted_content": "gibberish"}]
        compacted = {
            "id": f"resp_{next(self.ids)}",
            "object": "response.compaction",
            "created_at": int(EPOCH),
            "output": output,
            "usage": usage_of(body.get("input"), output),
        }
        self.counted.append(compacted)
        return compacted


def _output(response: Mapping[str, Any]) -> list[Document]:
    number = str(response["id"]).removeprefix("resp_")
    found: list[Document] = []
    stores = [tool for tool in response["tools"] if tool.get("type") == "file_search"]
    if stores and response["tool_choice"] != "none":
        found.append(
            {
                "id": f"fs_{number}",
                "type": "file_search_call",
                "status": "completed",
                "queries": ["q"],
                "results": None,
            }
        )
    content = {"type": "output_text", "text": TEXT, "annotations": [], "logprobs": []}
    message = {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "status": "completed",
        "content": [content],
    }
    return [*found, message]


def tokens_of(value: object) -> int:
    """How many tokens this provider counts in a document: one for four characters."""
    return len(json.dumps(value)) // 4


def usage_of(text: object, output: list[Document]) -> Document:
    """The usage of a response: a tenth of the input was cached."""
    read, written = tokens_of(text) + 100 * (len(output) - 1), tokens_of(output)
    return {
        "input_tokens": read,
        "input_tokens_details": {"cached_tokens": read // 10, "cache_write_tokens": 0},
        "output_tokens": written,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": read + written,
    }


def events_of(done: Document) -> list[Document]:
    """The events of a stream that ends with this response."""
    running = {**done, "status": "in_progress", "output": [], "usage": None}
    message = done["output"][-1]
    place = {"item_id": message["id"], "output_index": len(done["output"]) - 1, "content_index": 0}
    deltas = [
        {"type": "response.output_text.delta", "delta": f"{word} ", "logprobs": [], **place} for word in TEXT.split()
    ]
    events: list[Document] = [
        {"type": "response.created", "response": running},
        {"type": "response.in_progress", "response": running},
        {
            "type": "response.output_item.added",
            "output_index": place["output_index"],
            "item": {**message, "content": []},
        },
        {
            "type": "response.content_part.added",
            "part": {"type": "output_text", "text": "", "annotations": [], "logprobs": []},
            **place,
        },
        *deltas,
        {"type": "response.output_text.done", "text": TEXT, "logprobs": [], **place},
        {"type": "response.content_part.done", "part": message["content"][0], **place},
        {"type": "response.output_item.done", "output_index": place["output_index"], "item": message},
        {"type": "response.completed", "response": done},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def event_bytes(event: Mapping[str, object]) -> bytes:
    """One server-sent event."""
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def _model(name: str) -> Document:
    return {"id": name, "object": "model", "created": int(EPOCH), "owned_by": "openai"}


def _missing(name: str) -> Act:
    error = {"message": f"No such thing: {name}", "type": "invalid_request_error", "param": None, "code": None}
    return answer(404, {"error": error})
