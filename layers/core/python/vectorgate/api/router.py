"""Match a method and a path to a row of the operation table.

The path has been percent-decoded once already, by API Gateway's HTTP API or by local mode's server. It is not decoded
here, and a remaining `%` matches no path.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import MethodNotAllowed, NotFound
from vectorgate.api.operations import OPERATIONS
from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.api.operations import Operation

# OpenAI's reference shows base URLs with and without /v1; both are served. So are both paths of Azure's clients, with
# and without /v1. Longer prefixes come first.
PREFIXES = ("/v1", "/openai/v1", "/openai")
SEARCH_PREFIX: Final = "/azure_ai"  # of Azure AI Search's API, which has operations of its own
_FORBIDDEN_IN_SEGMENT = frozenset("\\;%\0")
_MAX_ECHO = 100  # characters of a path in an error message
_RESPONSES: Final = ". This gateway does not serve it: use POST /v1/responses"
# What to use instead of those APIs of OpenAI that are not served, by the first segment of their paths.
_ADVICE: Final[Mapping[str, str]] = {
    "assistants": f"{_RESPONSES} with the instructions and tools of the assistant.",
    "audio": f"{_RESPONSES}, which takes texts, images and files.",
    "chat": f"{_RESPONSES}; 'messages' are its 'input'.",
    "completions": f"{_RESPONSES}; 'prompt' is its 'input'.",
    "conversations": f"{_RESPONSES} with 'previous_response_id'.",
    "deployments": f"{_RESPONSES}; the deployment is its 'model'.",
    "embeddings": ". This gateway does not serve it: a vector store embeds its files; search it instead.",
    "realtime": f"{_RESPONSES} with 'stream'.",
    "threads": f"{_RESPONSES} with 'previous_response_id'.",
}


@dataclass(frozen=True, slots=True)
class Route:
    """A row of the operation table, with the text of each path parameter, not yet validated as an id."""

    operation: Operation
    captured: Mapping[str, str]


@lru_cache(maxsize=128)
def route(method: str, path: str) -> Route:
    """Match a request to its row. NotFound (404), MethodNotAllowed (405)."""
    segments = segments_of(_without_prefix(path))
    matches = list(_matching_path(segments)) if segments is not None else []
    for match in matches:
        if match.operation.method == method:
            return match
    if matches:
        allowed = ", ".join(sorted({match.operation.method for match in matches}))
        raise MethodNotAllowed(
            f"Not allowed to {method[:16]} on {path[:_MAX_ECHO]}.",
            code="method_not_allowed",
            headers={"allow": allowed},
        )
    advice = _ADVICE.get(segments[0], "") if segments else ""
    raise NotFound(f"Invalid URL ({method[:16]} {path[:_MAX_ECHO]}){advice}", code="unknown_url")


def _without_prefix(path: str) -> str:
    prefix = next((prefix for prefix in PREFIXES if path.startswith(prefix + "/")), "")
    return path[len(prefix) :]


def segments_of(path: str) -> tuple[str, ...] | None:
    """Split a path into segments; None when one of them is ambiguous, such as `..` or one with a `%`.

    One slash at the end counts as none: clients that join URLs add it.
    """
    root, *segments = path.removesuffix("/").split("/")
    if root or any(segment in {"", ".", ".."} or _FORBIDDEN_IN_SEGMENT & set(segment) for segment in segments):
        return None
    return tuple(segments)


def _by_length() -> dict[int, list[tuple[Operation, tuple[str, ...]]]]:
    """The rows with the segments of their paths, by the number of segments."""
    table: dict[int, list[tuple[Operation, tuple[str, ...]]]] = {}
    for operation in OPERATIONS:
        template = tuple(operation.path.split("/")[1:])
        table.setdefault(len(template), []).append((operation, template))
    return table


_ROWS_BY_LENGTH: Final = _by_length()


def _matching_path(segments: tuple[str, ...]) -> Iterator[Route]:
    for operation, template in _ROWS_BY_LENGTH.get(len(segments), ()):
        captured = _capture(template, segments)
        if captured is not None:
            yield Route(operation, captured)


def _capture(template: tuple[str, ...], segments: tuple[str, ...]) -> dict[str, str] | None:
    captured = {}
    for expected, segment in zip(template, segments, strict=True):
        if expected.startswith("{"):
            captured[expected[1:-1]] = segment
        elif expected != segment:
            return None
    return captured
