"""What a response may use at most, estimated from its request: what a budget reserves for it. Pure.

A token of text has at least one byte, so that the bytes of a body bound its tokens. What the response that it continues
read and wrote is known. Other things that the body does not hold (results of a search, files, items of other responses)
are estimated; the estimate never exceeds what the model can read. A response that uses more is charged in full when it
is settled, so that a budget is passed by at most that difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.api.references import PREVIOUS, Feature
from vectorgate.ids import ObjectKind
from vectorgate.pricing.book import Demand

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.api.command import Command

IMAGE_TOKENS: Final = 5_000  # of one image or other data in base64; OpenAI counts up to about 1,600 for an image
FILE_TOKENS: Final = 100_000
EARLIER_TOKENS: Final = 100_000  # of items of other responses, and of an earlier response whose usage is not known
RESULT_TOKENS: Final = 800  # of one search result: the size of a chunk, unless a store has another
DEFAULT_RESULTS: Final = 20
MAX_RESULTS: Final = 50
SEARCHES: Final = 4  # calls of a tool that a model makes for one response, unless `max_tool_calls` says fewer
_DATA_URL: Final = "data:"
_PER_CALL: Final = {
    "file_search": "file_search",
    "web_search": "web_search",
    "web_search_2025_08_26": "web_search",
    "web_search_preview": "web_search",
    "web_search_preview_2025_03_11": "web_search",
    "code_interpreter": "code_interpreter",
    "image_generation": "image_generation",
    "shell": "shell",
}


def demand_of(command: Command, max_output_tokens: int) -> Demand:
    """What the command may use. `max_output_tokens`: the most that the provider was told to write."""
    calls = {_PER_CALL[feature.name]: _calls(command.body) for feature in command.features if feature.name in _PER_CALL}
    searched = sum(_results(tool) for tool in _tools(command.body) if tool.get("type") == "file_search")
    searched += sum(MAX_RESULTS for feature in command.features if feature == Feature("file_search", PREVIOUS))
    read_once = _text_tokens(command.body) + _named_tokens(command)
    turns = 1 + (max(calls.values()) if calls else 0)
    return Demand(
        input_tokens=read_once * turns + searched * RESULT_TOKENS * (turns - 1),
        output_tokens=max_output_tokens,
        tool_calls=calls,
    )


def _calls(body: Mapping[str, object]) -> int:
    most = body.get("max_tool_calls")
    return min(most, SEARCHES) if isinstance(most, int) and not isinstance(most, bool) and most >= 0 else SEARCHES


def _tools(body: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The tools of the request, and those that items of its input bring (`additional_tools`)."""
    for holder in (body, *_objects(body.get("input"))):
        yield from _objects(holder.get("tools"))


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            yield each


def _results(tool: Mapping[str, object]) -> int:
    most = tool.get("max_num_results")
    known = isinstance(most, int) and not isinstance(most, bool) and 0 < most <= MAX_RESULTS
    return most if known and isinstance(most, int) else DEFAULT_RESULTS


def _named_tokens(command: Command) -> int:
    kinds = [reference.kind for reference in command.references]
    earlier = command.earlier_tokens
    if earlier is None:
        earlier = EARLIER_TOKENS if ObjectKind.RESPONSE in kinds else 0
    items = EARLIER_TOKENS if ObjectKind.ITEM in kinds else 0
    return kinds.count(ObjectKind.FILE) * FILE_TOKENS + earlier + items


def _text_tokens(value: object) -> int:
    """The most tokens of the texts in a document, names of fields included."""
    if isinstance(value, str):
        return IMAGE_TOKENS if value.startswith(_DATA_URL) else len(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, list):
        return sum(map(_text_tokens, value)) + len(value)
    if isinstance(value, dict):
        return sum(len(name) + _text_tokens(child) for name, child in value.items()) + len(value)
    return 1
