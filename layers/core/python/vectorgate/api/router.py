"""From (method, path) to one row of the operation table, or to nothing.

The path has been decoded once already: API Gateway's HTTP APIs do so before they invoke anybody, and the one-machine
edition as they do. Nothing is decoded here, so a `%` that is left is no part of any path.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import MethodNotAllowed, NotFound
from vectorgate.api.operations import OPERATIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from vectorgate.api.operations import Operation

# The reference page's SDK sample has a base URL without /v1; its curl sample has it. Both are served, and so are the
# paths that Azure's clients build, the dated form's and the newer one. The longer prefix comes first.
PREFIXES = ("/v1", "/openai/v1", "/openai")
_FORBIDDEN_IN_SEGMENT = frozenset("\\;%\0")
_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Route:
    """The row, and the text that stood for each `{parameter}`, not yet checked as an id."""

    operation: Operation
    captured: Mapping[str, str]


@lru_cache(maxsize=128)
def route(method: str, path: str) -> Route:
    """The one row that this method and path mean. NotFound (404) or MethodNotAllowed (405) otherwise."""
    segments = segments_of(_without_prefix(path))
    matches = list(_matching_path(segments)) if segments is not None else []
    for match in matches:
        if match.operation.method == method:
            return match
    if matches:
        allowed = ", ".join(sorted({match.operation.method for match in matches}))
        raise MethodNotAllowed(
            f"Not allowed to {method[:16]} on {path[:_SHOWN]}.", code="method_not_allowed", headers={"allow": allowed}
        )
    raise NotFound(f"Invalid URL ({method[:16]} {path[:_SHOWN]})", code="unknown_url")


def _without_prefix(path: str) -> str:
    prefix = next((prefix for prefix in PREFIXES if path.startswith(prefix + "/")), "")
    return path[len(prefix) :]


def segments_of(path: str) -> tuple[str, ...] | None:
    """The segments; None when one of them could mean something else further on."""
    root, *segments = path.split("/")
    if root or any(segment in {"", ".", ".."} or _FORBIDDEN_IN_SEGMENT & set(segment) for segment in segments):
        return None
    return tuple(segments)


def _by_length() -> dict[int, list[tuple[Operation, tuple[str, ...]]]]:
    """The rows with their paths' segments, by the number of these."""
    found: dict[int, list[tuple[Operation, tuple[str, ...]]]] = {}
    for operation in OPERATIONS:
        template = tuple(operation.path.split("/")[1:])
        found.setdefault(len(template), []).append((operation, template))
    return found


_OF_LENGTH: Final = _by_length()


def _matching_path(segments: tuple[str, ...]) -> Iterator[Route]:
    for operation, template in _OF_LENGTH.get(len(segments), ()):
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
