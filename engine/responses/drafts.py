"""A Response object: how it begins, how it ends, and what of it is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from engine import ids
from engine.model import DAY, StoredResponse
from engine.responses import tools

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.ids import RandomBytes
    from engine.model import Json, ResponseStatus
    from engine.responses.passages import Answer
    from engine.responses.request import CreateResponse

LIFE_SECONDS: Final = 30 * DAY
RESULTS: Final = "file_search_call.results"
# A stored status is final once it is one of these.
ENDED: Final = frozenset({"completed", "incomplete", "failed", "cancelled"})


def draft(body: CreateResponse, items: Sequence[Json], now: int, random: RandomBytes) -> StoredResponse:
    """A response to a request, with all that it is given to read, normalised. InvalidRequest for its tools."""
    response_id = ids.response_id(random)
    status: ResponseStatus = "queued" if body.background else "in_progress"
    shown = {"id": response_id, "object": "response", "created_at": now, "status": status, **_members(body)}
    return StoredResponse(response_id, now, now + LIFE_SECONDS, status, shown, items)


def _members(body: CreateResponse) -> Json:
    """What a response repeats of its request, and what it will say at its end."""
    return {
        "background": body.background,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": body.max_tool_calls,
        "model": body.model,
        "output": [],
        "parallel_tool_calls": body.parallel_tool_calls,
        "previous_response_id": body.previous_response_id,
        "prompt_cache_key": body.prompt_cache_key,
        "prompt_cache_retention": body.prompt_cache_retention,
        "reasoning": {"effort": None, "summary": None},
        "safety_identifier": body.safety_identifier,
        "service_tier": "default",
        "store": body.store,
        "temperature": body.temperature,
        "text": {"format": {"type": "text"}, "verbosity": body.text.verbosity or "medium"},
        "tool_choice": body.tool_choice,
        "tools": tools.tool_objects(body.tools),
        "top_logprobs": 0,
        "top_p": body.top_p,
        "truncation": body.truncation,
        "usage": None,
        "user": body.user,
        "metadata": body.metadata,
    }


def message(message_id: str, answer: Answer, text: str) -> Json:
    """The message of the assistant with the part of an answer that is within the limit of tokens."""
    annotations = [citation for citation in answer.annotations if citation["index"] <= len(text)]
    part = {"type": "output_text", "annotations": annotations, "logprobs": [], "text": text}
    status = "completed" if text == answer.text else "incomplete"
    return {"id": message_id, "type": "message", "status": status, "content": [part], "role": "assistant"}


def show(response: Json, include: Sequence[str]) -> Json:
    """The response with the results of its searches only if they are asked for."""
    return {**response, "output": [show_item(item, include) for item in output(response)]}


def show_item(item: Json, include: Sequence[str]) -> Json:
    """An item of the output, likewise."""
    hidden = item["type"] == "file_search_call" and RESULTS not in include
    return {**item, "results": None} if hidden else item


def output(response: Json) -> list[dict[str, Any]]:
    """The items of the output."""
    items = response["output"]
    return items if isinstance(items, list) else []
