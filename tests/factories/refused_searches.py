"""Searches that are not of their model, with the error of each: code, parameter, message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vectorgate.api.schemas import Search

if TYPE_CHECKING:
    from pydantic import BaseModel

Row = tuple["type[BaseModel]", dict[str, Any], str, str, str]

EQ: dict[str, object] = {"type": "eq", "key": "a", "value": 1}


def search(**fields: object) -> dict[str, object]:
    """A search, which has a query."""
    return {"query": "a", **fields}


def nested(levels: int) -> dict[str, object]:
    """Filters, so many levels deep."""
    filters = EQ
    for _ in range(levels - 1):
        filters = {"type": "and", "filters": [filters]}
    return filters


SEARCHES: list[Row] = [
    (Search, {}, "missing_required_parameter", "query", "Missing required parameter: 'query'."),
    (
        Search,
        search(rewrite_query="yes"),
        "invalid_type",
        "rewrite_query",
        "Invalid type for 'rewrite_query': expected a boolean, but got a string instead.",
    ),
    (
        Search,
        search(ranking_options={"score_threshold": "0.5"}),
        "invalid_type",
        "ranking_options.score_threshold",
        "Invalid type for 'ranking_options.score_threshold': expected a decimal, but got a string instead.",
    ),
    (
        Search,
        {"query": 1},
        "invalid_type",
        "query",
        "Invalid type for 'query': expected one of a string or an array of strings, but got an integer instead.",
    ),
    (
        Search,
        {"query": ["a", None]},
        "invalid_type",
        "query[1]",
        "Invalid type for 'query[1]': expected a string, but got null instead.",
    ),
    (
        Search,
        search(ranking_options={"ranker": "x" * 1000}),
        "invalid_value",
        "ranking_options.ranker",
        f"Invalid value: '{'x' * 64}...'. Supported values are: 'none', 'auto', and 'default-2024-11-15'.",
    ),
    (
        Search,
        search(max_num_results=0),
        "integer_below_min_value",
        "max_num_results",
        "Invalid 'max_num_results': integer below minimum value. Expected a value >= 1, but got 0 instead.",
    ),
    (
        Search,
        search(ranking_options={"score_threshold": 1.5}),
        "decimal_above_max_value",
        "ranking_options.score_threshold",
        (
            "Invalid 'ranking_options.score_threshold': decimal above maximum value. "
            "Expected a value <= 1, but got 1.5 instead."
        ),
    ),
    (
        Search,
        search(ranking_options={"score_threshold": -1}),
        "decimal_below_min_value",
        "ranking_options.score_threshold",
        (
            "Invalid 'ranking_options.score_threshold': decimal below minimum value. "
            "Expected a value >= 0, but got -1 instead."
        ),
    ),
    (
        Search,
        {"query": []},
        "empty_array",
        "query",
        "Invalid 'query': empty array. Expected an array with minimum length 1, but got an empty array instead.",
    ),
    (
        Search,
        search(filters=nested(17)),
        "invalid_value",
        "filters",
        "Invalid 'filters': expected filters of at most 16 levels.",
    ),
    (
        Search,
        search(filters={"type": "and", "filters": [EQ] * 256}),
        "invalid_value",
        "filters",
        "Invalid 'filters': expected at most 256 filters in all.",
    ),
    (
        Search,
        search(filters={"type": "and", "filters": [EQ, {"type": "or", "filters": [{**EQ, "key": 1}]}]}),
        "invalid_type",
        "filters.filters[1].filters[0].key",
        "Invalid type for 'filters.filters[1].filters[0].key': expected a string, but got an integer instead.",
    ),
    (
        Search,
        search(filters={"type": "in", "key": "a", "value": ["b", True]}),
        "invalid_type",
        "filters.value[1]",
        "Invalid type for 'filters.value[1]': expected one of a string or a number, but got a boolean instead.",
    ),
    (
        Search,
        search(filters={"type": "eq", "key": "a"}),
        "missing_required_parameter",
        "filters.value",
        "Missing required parameter: 'filters.value'.",
    ),
    (
        Search,
        search(filters={"type": "in", "key": "a", "value": [1] * 1001}),
        "array_above_max_length",
        "filters.value",
        (
            "Invalid 'filters.value': array too long. Expected an array with maximum length 1000, "
            "but got an array with length 1001 instead."
        ),
    ),
]
