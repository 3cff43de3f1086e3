"""Match a method and a path to a row of the allow-list. The path has been decoded once already, as for `api.router`."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import NotFound
from vectorgate.api.router import SEARCH_PREFIX, Route, segments_of
from vectorgate.azure_search.operations import INDEX_OPERATIONS

if TYPE_CHECKING:
    from vectorgate.azure_search.operations import IndexOperation

_MAX_ECHO: Final = 100  # characters of a path in an error message
# The values of path parameters: virtual names, and the keys that the service allows for documents. They contain no
# character that needs quoting in a URL or in OData.
_PATTERNS: Final = {"{index}": r"(?P<index>[A-Za-z0-9_-]{1,128})", "{key}": r"(?P<key>[A-Za-z0-9_=-]{1,1024})"}


def route(method: str, path: str) -> Route:
    """Match a request to its row. NotFound (404) otherwise, also when only the method differs."""
    segments = segments_of(path.removeprefix(SEARCH_PREFIX))
    if segments is not None:
        normalised = "/" + "/".join(segments)
        for operation, pattern in _table().get(method, ()):
            match = pattern.fullmatch(normalised)
            if match is not None:
                return Route(operation, match.groupdict())
    raise NotFound(f"Invalid URL ({method[:16]} {path[:_MAX_ECHO]})", code="ResourceNotFound")


@cache
def _table() -> dict[str, list[tuple[IndexOperation, re.Pattern[str]]]]:
    table: dict[str, list[tuple[IndexOperation, re.Pattern[str]]]] = {}
    for operation in INDEX_OPERATIONS:
        table.setdefault(operation.method, []).extend(
            (operation, _pattern(variant)) for variant in operation.path_variants
        )
    return table


def _pattern(variant: str) -> re.Pattern[str]:
    parts = re.split(r"(\{\w+\})", variant)
    return re.compile("".join(_PATTERNS.get(part) or re.escape(part) for part in parts), re.ASCII)
