"""Filters against a model of their meaning."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.filters import check, matches
from engine.model import AttributeValue as Value
from vectorgate.api.errors import InvalidRequest
from vectorgate.api.schemas import Search, validate
from vectorgate.api.schemas.filters import FILTER_DEPTH_MAX, FILTERS_MAX, Filter

KEYS = st.sampled_from(["a", "b", "c"])
VALUES: st.SearchStrategy[Value] = (
    st.integers(-3, 3)
    | st.sampled_from(["x", "y", "1", ""])
    | st.booleans()
    | st.floats(-3, 3, allow_nan=False)
    | st.just(10**400)
)
ATTRIBUTES = st.dictionaries(KEYS, VALUES)
ITEMS = VALUES.filter(lambda value: not isinstance(value, bool))  # OpenAI's schema has lists of strings and numbers


def comparison(kinds: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.sampled_from(kinds), "key": KEYS, "value": values})


LEAVES = comparison(["eq", "ne", "gt", "gte", "lt", "lte"], VALUES) | comparison(["in", "nin"], st.lists(ITEMS))


def compound(parts: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.sampled_from(["and", "or"]), "filters": st.lists(parts, max_size=3)})


FILTERS = st.recursive(LEAVES, compound, max_leaves=8)


def holds(  # noqa: PLR0911 - a case a kind
    data: dict[str, Any], attributes: dict[str, Value]
) -> bool:
    """The meaning, written the long way round."""
    kind = data["type"]
    if kind == "and":
        return all(holds(part, attributes) for part in data["filters"])
    if kind == "or":
        return any(holds(part, attributes) for part in data["filters"])
    if kind in ("ne", "nin"):
        return not holds({**data, "type": {"ne": "eq", "nin": "in"}[kind]}, attributes)
    if data["key"] not in attributes:
        return False
    if kind == "in":
        return any(holds({**data, "type": "eq", "value": value}, attributes) for value in data["value"])
    one, other = attributes[data["key"]], data["value"]
    if group(one) != group(other):
        return False
    if kind == "eq":
        return bool(one == other)
    if group(one) == "boolean":
        return False
    result: bool = {"gt": one > other, "gte": one >= other, "lt": one < other, "lte": one <= other}[kind]
    return result


def group(value: Value) -> str:
    return "boolean" if isinstance(value, bool) else "text" if isinstance(value, str) else "number"


def parse(data: object) -> Filter:
    """A filter as a search has it, checked."""
    found = validate(Search, {"query": "q", "filters": data}).filters
    assert found is not None
    check(found)
    return found


@given(FILTERS, ATTRIBUTES)
def test_a_filter_means_what_it_says(data: dict[str, Any], attributes: dict[str, Value]) -> None:
    assert matches(parse(data), attributes) == holds(data, attributes)


@given(st.recursive(st.none() | VALUES, lambda part: st.lists(part) | st.dictionaries(st.text(), part)))
def test_what_is_no_filter_is_refused_and_breaks_nothing(data: object) -> None:
    with pytest.raises(InvalidRequest):
        parse(data)


def test_depth_is_bounded() -> None:
    data: dict[str, Any] = {"type": "eq", "key": "a", "value": 1}
    for _ in range(FILTER_DEPTH_MAX - 1):
        data = {"type": "or", "filters": [data]}
    assert matches(parse(data), {"a": 1})
    with pytest.raises(InvalidRequest, match="at most"):
        parse({"type": "or", "filters": [data]})


def test_size_is_bounded() -> None:
    leaf = {"type": "eq", "key": "a", "value": 1}
    with pytest.raises(InvalidRequest, match="at most"):
        parse({"type": "or", "filters": [leaf] * FILTERS_MAX})


@pytest.mark.parametrize("kind", ["eq", "ne", "gt", "gte", "lt", "lte"])
def test_a_list_is_for_in_and_nin_alone(kind: str) -> None:
    with pytest.raises(InvalidRequest, match="expected one of a string, a number or a boolean, but got an array"):
        parse({"type": kind, "key": "a", "value": ["x"]})
    with pytest.raises(InvalidRequest, match=r"Invalid type for 'filters.filters\[0\].value': expected an array"):
        parse({"type": "and", "filters": [{"type": "nin", "key": "a", "value": "x"}]})
