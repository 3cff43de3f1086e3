"""Input items: each as OpenAI stores it, with an id; and what of them the model reads.

A string is a message of the user. Messages are read; of other items (calls of tools, their outputs, reasoning of
another model) only the size counts. Images, audio and files in a message are refused: the model reads text.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

from engine import errors, ids
from engine.responses.tools import tool_objects
from vectorgate.api.schemas import error_messages
from vectorgate.api.schemas.object_ids import check_object_id
from vectorgate.ids import ObjectKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.ids import RandomBytes
    from engine.model import Json

INPUT_ROLES: Final = ("user", "system", "developer")
ROLES: Final = (*INPUT_ROLES, "assistant")
UNREADABLE: Final = frozenset({"input_image", "input_file", "input_audio"})
TEXTS: Final = {"input_text": "text", "output_text": "text", "refusal": "refusal"}
# Types of items with the beginning of their ids.
PREFIXES: Final = {
    "message": "msg",
    "file_search_call": "fs",
    "function_call": "fc",
    "function_call_output": "fco",
    "custom_tool_call": "ctc",
    "custom_tool_call_output": "ctco",
    "web_search_call": "ws",
    "reasoning": "rs",
    "compaction": "cmp",
    "additional_tools": "at",
}
WITH_STATUS: Final = frozenset({"function_call_output", "function_call", "file_search_call"})
REFERENCE: Final = "item_reference"


def normalise(value: str | list[Any], random: RandomBytes) -> list[Json]:
    """The items of an input. InvalidRequest."""
    if isinstance(value, str):
        return [_message({"role": "user", "content": value}, "input", random)]
    return [_item(item, f"input[{number}]", random) for number, item in enumerate(value)]


def _item(item: Json, at: str, random: RandomBytes) -> Json:
    kind = item.get("type") or ("message" if "role" in item else REFERENCE if set(item) == {"id"} else None)
    if kind == "message":
        return _message(item, at, random)
    if kind == REFERENCE:
        return {"type": REFERENCE, "id": _checked(f"{at}.id", item.get("id"))}
    if kind is None:
        raise error_messages.missing_parameter(f"{at}.type")
    if kind not in PREFIXES:
        raise error_messages.unsupported_value(f"{at}.type", kind, [*PREFIXES, REFERENCE])
    if kind == "additional_tools":
        item = {**item, "tools": _tools(item, f"{at}.tools")}
    status = {"status": item.get("status") or "completed"} if kind in WITH_STATUS else {}
    return {**item, **status, "id": _id(item, str(kind), at, random)}


def _id(item: Json, kind: str, at: str, random: RandomBytes) -> str:
    """The item's id, or a new one if it has none."""
    given = item.get("id")
    if given is None:
        return ids.item_id(PREFIXES[kind], random)
    return _checked(f"{at}.id", given)


def _checked(param: str, value: object) -> str:
    if not isinstance(value, str):
        raise error_messages.invalid_type(param, "a string", value)
    return check_object_id(param, value, ObjectKind.ITEM)


def _tools(item: Json, at: str) -> list[Json]:
    tools = item.get("tools")
    if not isinstance(tools, list):
        raise error_messages.invalid_type(at, "an array of tools", tools)
    return tool_objects(tools, at)


def _message(item: Json, at: str, random: RandomBytes) -> Json:
    role = item.get("role")
    if role not in ROLES:
        raise error_messages.unsupported_value(f"{at}.role", role, ROLES)
    parts = _parts(item.get("content"), f"{at}.content", str(role))
    message_id = _id(item, "message", at, random)
    return {"id": message_id, "type": "message", "status": "completed", "content": parts, "role": role}


def _parts(content: object, at: str, role: str) -> list[Json]:
    if isinstance(content, str):
        content = [{"type": "output_text" if role == "assistant" else "input_text", "text": content}]
    if not isinstance(content, list):
        raise error_messages.invalid_type(at, "one of a string or an array of content parts", content)
    return [_part(part, f"{at}[{number}]", role) for number, part in enumerate(content)]


def _part(part: object, at: str, role: str) -> Json:
    if not isinstance(part, dict):
        raise error_messages.invalid_type(at, "an object", part)
    kind = part.get("type")
    if kind in UNREADABLE:
        raise errors.unsupported(at, f"it reads text, and no '{kind}'")
    allowed = ("output_text", "refusal") if role == "assistant" else ("input_text",)
    if kind == "input_text" and role == "assistant":
        kind = "output_text"  # some clients write it so, and OpenAI accepts it
    if kind not in allowed:
        raise error_messages.unsupported_value(f"{at}.type", kind, [*allowed, *sorted(UNREADABLE)])
    field = TEXTS[str(kind)]
    if not isinstance(part.get(field), str):
        raise error_messages.invalid_type(f"{at}.{field}", "a string", part.get(field))
    return _stored_part(part, str(kind), part[field])


def _stored_part(part: Json, kind: str, text: str) -> Json:
    """A part as it is stored: without what only its sender uses, as marks for a cache."""
    if kind == "output_text":
        annotations = part.get("annotations")
        annotations = annotations if isinstance(annotations, list) else []
        return {"type": kind, "annotations": annotations, "logprobs": [], "text": text}
    return {"type": kind, TEXTS[kind]: text}


def divide(items: Iterable[Json]) -> tuple[list[Json], list[Json]]:
    """The user's messages, and all else."""
    asked: list[Json] = []
    rest: list[Json] = []
    for item in items:
        (asked if item.get("role") == "user" else rest).append(item)
    return asked, rest


def references(items: Iterable[Json]) -> list[str]:
    """The ids of the items that an input only refers to."""
    return [str(item["id"]) for item in items if item["type"] == REFERENCE]


def question(items: Sequence[Json]) -> str:
    """What is asked: the text of the user's last message, or nothing."""
    asked = [item for item in items if item["type"] == "message" and item["role"] == "user"]
    return "\n".join(texts(asked[-1])).strip() if asked else ""


def texts(item: Json) -> list[str]:
    """What the model reads of an item: a message's texts, the JSON of anything else."""
    if item["type"] != "message":
        return [json.dumps(item, ensure_ascii=False)]
    parts = cast("list[dict[str, Any]]", item["content"])
    return [part[TEXTS[part["type"]]] for part in parts]


def added_tools(items: Iterable[Json]) -> list[Json]:
    """The tools that items of the input bring along."""
    tools = [cast("list[Json]", item["tools"]) for item in items if item["type"] == "additional_tools"]
    return [tool for each in tools for tool in each]
