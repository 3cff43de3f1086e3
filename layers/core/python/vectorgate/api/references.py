"""The ids and features that a body of the Responses API names, wherever they stand. Pure.

The Responses API has ids in nested places: tools, tools of input items, items of earlier responses, variables of
prompts. A body is therefore walked as a whole, and a name decides: `vector_store_ids` is a list of stores wherever it
stands. What is the caller's own format (the schema of a function, filters, metadata) names nothing, and is left out.
A name that ends in `_id` or `_ids` and is not known here is refused, so that a new field of OpenAI's is not forwarded
before it is known what it names.

::

    tools[0].vector_store_ids[0]   a reference: an object that the caller's tenant must own
    tools[1] of the type mcp       a feature: what the caller's key must be allowed to use
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.schemas import error_messages
from vectorgate.api.schemas.object_ids import check_object_id
from vectorgate.classes import dataclass
from vectorgate.ids import ObjectId, ObjectKind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


@dataclass(frozen=True, slots=True)
class Reference:
    """An object that a body names, and its place, as OpenAI writes it. `kept`: it may have been deleted since."""

    kind: ObjectKind
    id: ObjectId
    param: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Feature:
    """A tool, or another feature, that a body uses, by the name that a key allows it by."""

    name: str
    param: str


class Named:
    """What a body names, in its order."""

    def __init__(self) -> None:
        self.references: list[Reference] = []
        self.features: list[Feature] = []


NOTHING_NAMED: Final = Named()
# Fields that name objects which a tenant can own.
OWNED: Final[Mapping[str, ObjectKind]] = {
    "vector_store_ids": ObjectKind.VECTOR_STORE,
    "file_id": ObjectKind.FILE,
    "file_ids": ObjectKind.FILE,
    "container_id": ObjectKind.CONTAINER,
    "previous_response_id": ObjectKind.RESPONSE,
    "comparison_response_id": ObjectKind.RESPONSE,
}
PREVIOUS: Final = "previous_response_id"
# Fields that name what the provider's account has and no tenant owns, by the feature that a key must be allowed.
UNOWNED: Final[Mapping[str, str]] = {
    "conversation": "conversation",
    "prompt": "prompt",
    "connector_id": "mcp",
    "server_url": "mcp",
    "tunnel_id": "mcp",
    "skill_id": "skill",
}
# Ids that the caller makes, or that name a part of the same body: at the provider they lead to no stored object.
LOCAL: Final = frozenset({"call_id", "caller_id", "approval_request_id", "continuation_id"})
# Fields whose content has the caller's own format, by the type of the object that they are in ("": any type).
FREE: Final[Mapping[str, frozenset[str]]] = {
    "": frozenset({"metadata"}),
    "function": frozenset({"parameters", "output_schema"}),
    "custom": frozenset({"format"}),
    "file_search": frozenset({"filters"}),
    "json_schema": frozenset({"schema"}),
    "mcp": frozenset({"headers"}),
    "tool_search": frozenset({"parameters"}),
    "tool_search_call": frozenset({"arguments"}),
    "mcp_list_tools": frozenset({"tools"}),
}
# The types of input items that OpenAI documents, and the feature that one needs. Another type is a feature by its name.
ITEMS: Final[Mapping[str, str | None]] = {
    **dict.fromkeys(
        (
            "additional_tools",
            "apply_patch_call",
            "apply_patch_call_output",
            "code_interpreter_call",
            "compaction",
            "compaction_trigger",
            "computer_call",
            "computer_call_output",
            "configuration_update",
            "custom_tool_call",
            "custom_tool_call_output",
            "file_search_call",
            "function_call",
            "function_call_output",
            "image_generation_call",
            "item_reference",
            "local_shell_call",
            "local_shell_call_output",
            "message",
            "program",
            "program_output",
            "reasoning",
            "shell_call",
            "shell_call_output",
            "tool_search_call",
            "tool_search_output",
            "web_search_call",
        )
    ),
    **dict.fromkeys(("mcp_list_tools", "mcp_approval_request", "mcp_approval_response", "mcp_call"), "mcp"),
}
MAX_NAMED: Final = 2_000  # distinct objects of one body: the ownership of each is read
MAX_STORES: Final = 32  # distinct stores of one body: the row names each, and settlement adds to the sums of each
# Objects of an earlier answer that name files which it cited: a file that was deleted since is still the tenant's.
_CITATIONS: Final = frozenset({"file_citation", "file_path"})
# Such an object names a file inside a container, and the container.
_IN_CONTAINER: Final = "container_file_citation"


def named_in(body: Mapping[str, object]) -> Named:
    """What the body names. InvalidRequest for an id that is malformed, or that stands in an unknown field."""
    found = Named()
    _walk_object(body, "", found)
    _add_item_types(body.get("input"), found)
    check_counts(found.references)
    return found


def stays(param: str) -> bool:
    """Whether a tool at that place is part of the conversation: one of an input's item, or of an earlier response."""
    return param == PREVIOUS or (param.startswith("input[") and ".tools[" in param)


def check_counts(references: Collection[Reference]) -> None:
    """Check how many distinct objects a response names. InvalidRequest for too many."""
    named = {(reference.kind, reference.id) for reference in references}
    stores = sum(kind is ObjectKind.VECTOR_STORE for kind, _ in named)
    if stores > MAX_STORES:
        raise error_messages.array_too_long("tools", MAX_STORES, stores)
    if len(named) > MAX_NAMED:
        raise error_messages.array_too_long("input", MAX_NAMED, len(named))


def _add_item_types(items: object, found: Named) -> None:
    """The features that items of the input need by their type. An item without a type is a message."""
    for index, item in enumerate(items if isinstance(items, list) else ()):
        kind = item.get("type", "message") if isinstance(item, dict) else "message"
        feature = ITEMS.get(kind, kind) if isinstance(kind, str) else None
        if feature is not None:
            found.features.append(Feature(feature, f"input[{index}]"))


def _walk(value: object, path: str, found: Named) -> None:
    if isinstance(value, dict):
        _walk_object(value, path, found)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _walk(item, f"{path}[{index}]", found)


def _walk_object(value: Mapping[str, object], path: str, found: Named) -> None:
    kind = value.get("type")
    free = FREE[""] | FREE.get(kind if isinstance(kind, str) else "", frozenset())
    for name, child in value.items():
        place = f"{path}.{error_messages.clip(name)}" if path else error_messages.clip(name)
        if name in free or child is None:
            continue
        if name == "tools":
            _add_tools(child, place, found)
        _read_field(value, name, child, place, found)


def _read_field(parent: Mapping[str, object], name: str, child: object, place: str, found: Named) -> None:
    """Add what one field names, and walk what it holds."""
    if name in OWNED:
        _add_ids(parent, name, child, place, found)
    elif name in UNOWNED:
        found.features.append(Feature(UNOWNED[name], place))
        _walk(child, place, found)
    elif name == "container" and isinstance(child, str):
        _add_one(ObjectKind.CONTAINER, child, place, found)
    elif name == "id" and _is_input_item(place):
        _add_one(ObjectKind.ITEM, child, place, found)
    elif name.endswith(("_id", "_ids")) and name not in LOCAL:
        raise error_messages.unknown_parameter(place)
    elif name == "attributes" and parent.get("file_id") is not None:
        return  # of a search result in an earlier answer: the file's own attributes
    else:
        _walk(child, place, found)


def _is_input_item(place: str) -> bool:
    """Whether this is the id of an item of the input, and not one of its parts."""
    return place.startswith("input[") and place.count(".") == 1


def _add_ids(parent: Mapping[str, object], name: str, value: object, place: str, found: Named) -> None:
    kind, cited = OWNED[name], parent.get("type") in _CITATIONS or "filename" in parent
    if kind is ObjectKind.FILE and parent.get("type") == _IN_CONTAINER:
        return
    if not name.endswith("_ids"):
        _add_one(kind, value, place, found, kept=cited)
        return
    if not isinstance(value, list):
        raise error_messages.invalid_type(place, "an array of strings", value)
    for index, item in enumerate(value):
        _add_one(kind, item, f"{place}[{index}]", found)


def _add_one(kind: ObjectKind, value: object, place: str, found: Named, *, kept: bool = False) -> None:
    if not isinstance(value, str):
        raise error_messages.invalid_type(place, "a string", value)
    found.references.append(Reference(kind, ObjectId(check_object_id(place, value, kind)), place, kept))


def _add_tools(value: object, place: str, found: Named) -> None:
    """The type of each tool of a list, wherever the list stands."""
    for index, tool in enumerate(value if isinstance(value, list) else ()):
        kind = tool.get("type") if isinstance(tool, dict) else None
        if not isinstance(kind, str):
            raise error_messages.missing_parameter(f"{place}[{index}].type")
        found.features.append(Feature(kind, f"{place}[{index}]"))
