"""From (method, path) to one row of the allow-list, or to 404. The path has been decoded once, as for `routing`."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import NotFound
from vectorgate.api.router import Route, segments_of
from vectorgate.azure_search.operations import INDEX_OPERATIONS

if TYPE_CHECKING:
    from vectorgate.azure_search.operations import IndexOperation

PREFIX: Final = "/azure_ai"
_SHOWN: Final = 100
# What may stand for a parameter: our own names, and the keys that the service allows for documents. Nothing in them
# needs quoting, neither in a URL nor in OData.
_PATTERNS: Final = {"{index}": r"(?P<index>[A-Za-z0-9_-]{1,128})", "{key}": r"(?P<key>[A-Za-z0-9_=-]{1,1024})"}


def route(method: str, path: str) -> Route:
    """The one row that this method and path mean. NotFound (404) otherwise, also for a path with another method."""
    segments = segments_of(path.removeprefix(PREFIX))
    if segments is not None:
        plain = "/" + "/".join(segments)
        for operation, pattern in _table().get(method, ()):
            match = pattern.fullmatch(plain)
            if match is not None:
                return Route(operation, match.groupdict())
    raise NotFound(f"Invalid URL ({method[:16]} {path[:_SHOWN]})", code="ResourceNotFound")


@cache
def _table() -> dict[str, list[tuple[IndexOperation, re.Pattern[str]]]]:
    table: dict[str, list[tuple[IndexOperation, re.Pattern[str]]]] = {}
    for operation in INDEX_OPERATIONS:
        table.setdefault(operation.method, []).extend((operation, _pattern(text)) for text in operation.spellings)
    return table


def _pattern(spelling: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", spelling)
    return re.compile("".join(_PATTERNS.get(part) or re.escape(part) for part in parts), re.ASCII)
