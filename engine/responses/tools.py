"""Tools and the choice among them: which file searches a request calls for.

The model calls `file_search` and nothing else. It accepts other tools as any model may that has no use for them, and
refuses a choice that would oblige it to call one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from engine import errors, filters
from engine.responses.request import FileSearchTool
from vectorgate.api.errors import InvalidRequest
from vectorgate.api.schemas import error_messages, validate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.model import Json
    from engine.responses.request import FileSearchRanking

FILE_SEARCH: Final = "file_search"
OTHERS: Final = (
    "function",
    "custom",
    "web_search",
    "web_search_2025_08_26",
    "web_search_preview",
    "web_search_preview_2025_03_11",
    "code_interpreter",
    "computer",
    "computer_use_preview",
    "image_generation",
    "local_shell",
    "shell",
    "apply_patch",
    "mcp",
    "namespace",
    "tool_search",
    "programmatic_tool_calling",
)
NAMED: Final = frozenset({"function", "custom"})
CHOICES: Final = ("none", "auto", "required")


def tool_objects(tools: Sequence[object], at: str = "tools") -> list[Json]:
    """Tools as a Response object shows them. InvalidRequest, whose `param` begins with `at`."""
    return [tool_object(tool, f"{at}[{number}]") for number, tool in enumerate(tools)]


def tool_object(tool: object, at: str) -> Json:
    """One of them."""
    if not isinstance(tool, dict):
        raise error_messages.invalid_type(at, "an object", tool)
    if "type" not in tool:
        raise error_messages.missing_parameter(f"{at}.type")
    if tool["type"] == FILE_SEARCH:
        return _file_search(tool, at)
    if tool["type"] not in OTHERS:
        raise error_messages.unsupported_value(f"{at}.type", tool["type"], [FILE_SEARCH, *OTHERS])
    if tool["type"] in NAMED and not isinstance(tool.get("name"), str):
        raise error_messages.missing_parameter(f"{at}.name")
    defaults = {"description": None, "parameters": None, "strict": True} if tool["type"] == "function" else {}
    return {**defaults, **tool}


def _file_search(tool: Json, at: str) -> Json:
    try:
        found = validate(FileSearchTool, tool)
        if found.filters is not None:
            filters.check(found.filters)
        _check_weights(found.ranking_options)
    except InvalidRequest as error:
        raise _placed(error, at) from None
    return {**found.model_dump(exclude={"ranking_options"}), "ranking_options": _ranking(found.ranking_options)}


def _check_weights(options: FileSearchRanking) -> None:
    weights = options.hybrid_search
    if weights is not None and weights.embedding_weight + weights.text_weight <= 0:
        raise error_messages.invalid_value("ranking_options.hybrid_search", "expected at least one weight above 0.")


def _ranking(options: FileSearchRanking) -> Json:
    return options.model_dump(exclude_none=True)


def _placed(error: InvalidRequest, at: str) -> InvalidRequest:
    """The same error, of a field below `at`."""
    message = error.message.replace(f"'{error.param}'", f"'{at}.{error.param}'")
    return InvalidRequest(message, param=f"{at}.{error.param}", code=error.code)


def called(tools: Sequence[Json], choice: str | dict[str, Any]) -> list[FileSearchTool]:
    """The file searches to make, in the order of their tools. InvalidRequest."""
    searches = [validate(FileSearchTool, tool) for tool in tools if tool["type"] == FILE_SEARCH]
    if isinstance(choice, str):
        return _by_mode(choice, tools, searches)
    kind = choice.get("type")
    if kind == "allowed_tools":
        allowed = [tool.get("type") for tool in _allowed(choice) if isinstance(tool, dict)]
        return _by_mode(str(choice.get("mode")), tools, searches if FILE_SEARCH in allowed else [], allowed=True)
    if not any(tool["type"] == kind for tool in tools):
        raise errors.tool_not_given(str(kind))
    if kind != FILE_SEARCH:
        raise _obliged(f"the tool '{kind}'")
    return searches


def _allowed(choice: dict[str, Any]) -> list[object]:
    tools = choice.get("tools")
    if not isinstance(tools, list):
        raise error_messages.invalid_type("tool_choice.tools", "an array", tools)
    return cast("list[object]", tools)


def _by_mode(
    mode: str, tools: Sequence[Json], searches: list[FileSearchTool], *, allowed: bool = False
) -> list[FileSearchTool]:
    modes = CHOICES[1:] if allowed else CHOICES
    if mode not in modes:
        raise error_messages.unsupported_value("tool_choice.mode" if allowed else "tool_choice", mode, modes)
    if mode == "required" and not tools:
        raise errors.tool_not_given("required")
    if mode == "required" and not searches:
        raise _obliged("one of these tools")
    return [] if mode == "none" else searches


def _obliged(what: str) -> InvalidRequest:
    return errors.unsupported("tool_choice", f"it calls 'file_search', and cannot be made to call {what}")
