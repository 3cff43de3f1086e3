"""What a provider's answer counts: the tokens and calls of tools of a response, and bytes. Pure.

An answer's `usage` has the tokens; its `output` has an item for each call of a tool. What is implausible (negative,
fractional, beyond `MAX_TOKENS`, more cached than read) is not used.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MAX_TOKENS: Final = 1_000_000_000  # of one response: a thousand times the largest context
# No provider stores a PiB in one vector store: a larger figure is an error, or an attack.
MAX_SIZE: Final = 1 << 50
# The tools that a provider charges for, by the type of the item that is one call.
CHARGED_TOOLS: Final = {
    "file_search_call": "file_search",
    "web_search_call": "web_search",
    "image_generation_call": "image_generation",
}
_CODE: Final = "code_interpreter"  # charged by the container, not by the call
_HOSTED_SHELL: Final = "shell"


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one response. Cached and cache-write tokens are input tokens, reasoning tokens are output tokens."""

    input_tokens: int
    output_tokens: int
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


def valid_size(figure: object) -> int | None:
    """A provider's number of bytes; None for an invalid figure, which is quarantined and never computed with."""
    if isinstance(figure, bool) or not isinstance(figure, int) or not 0 <= figure <= MAX_SIZE:
        return None
    return figure


def read_usage(document: Mapping[str, object]) -> Usage | None:
    """The usage of an answer; None where it has none. ValueError for invalid figures."""
    usage = document.get("usage")
    if usage is None:
        return None
    if not isinstance(usage, dict):
        raise ValueError("the usage is no object")  # noqa: TRY004 - of an answer, not of an argument
    read, written = _part(usage, "input_tokens_details"), _part(usage, "output_tokens_details")
    found = Usage(
        input_tokens=_count(usage, "input_tokens"),
        output_tokens=_count(usage, "output_tokens"),
        cached_tokens=_count(read, "cached_tokens", 0),
        cache_write_tokens=_count(read, "cache_write_tokens", 0),
        reasoning_tokens=_count(written, "reasoning_tokens", 0),
    )
    if found.cached_tokens + found.cache_write_tokens > found.input_tokens:
        raise ValueError("more cached tokens than tokens")
    return found


def _part(usage: Mapping[str, object], name: str) -> Mapping[str, object]:
    part = usage.get(name)
    return part if isinstance(part, dict) else {}


def _count(figures: Mapping[str, object], name: str, default: int | None = None) -> int:
    figure = figures.get(name)
    if figure is None and default is not None:
        return default
    if not isinstance(figure, int) or isinstance(figure, bool) or not 0 <= figure <= MAX_TOKENS:
        raise ValueError(f"{name} is no number of tokens")
    return figure


def count_tool_calls(document: Mapping[str, object]) -> dict[str, int]:
    """The calls of charged tools in an answer, by the tool's name, sorted by it."""
    counts = Counter(CHARGED_TOOLS[kind] for kind in map(_kind, output_items(document)) if kind in CHARGED_TOOLS)
    containers = {item.get("container_id") for item in output_items(document) if _kind(item) == "code_interpreter_call"}
    counts[_CODE] = len(containers)
    counts[_HOSTED_SHELL] = sum(_is_hosted_shell(item) for item in output_items(document))
    return {name: count for name, count in sorted(counts.items()) if count}


def output_items(document: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    """The items of an answer's output."""
    output = document.get("output")
    for item in output if isinstance(output, list) else ():
        if isinstance(item, dict):
            yield item


def _kind(item: Mapping[str, object]) -> str:
    return str(item.get("type"))


def _is_hosted_shell(item: Mapping[str, object]) -> bool:
    """A shell in the provider's container; one at the caller costs nothing."""
    environment = item.get("environment")
    return _kind(item) == "shell_call" and isinstance(environment, dict) and environment.get("type") != "local"


def tool_calls_text(calls: Mapping[str, int]) -> tuple[str, ...]:
    """The calls as a row of the ledger has them: `("file_search=2",)`."""
    return tuple([f"{name}={count}" for name, count in calls.items()])


def tool_calls_of(text: tuple[str, ...]) -> dict[str, int]:
    """The inverse of `tool_calls_text`."""
    return {name: int(count) for name, _, count in (each.partition("=") for each in text)}
