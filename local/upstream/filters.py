"""Attribute filters: ``{type: eq|ne|gt|gte|lt|lte|in|nin, key, value}`` and ``{type: and|or, filters: [...]}``.

Parsed by hand rather than by a recursive model, so that depth and size are bounded and complaints name their place.

Meaning: values of different kinds are unequal (``true`` is not 1, ``"1"`` is not 1) and unordered. A file without the
attribute matches only the negations, ``ne`` and ``nin``.
"""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from local.upstream import errors
from local.upstream.explain import supported, wrong_type

MAX_DEPTH = 16
MAX_NODES = 512

Value = str | int | float | bool
Attributes = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One attribute against a value."""

    type: str
    key: str
    value: Value | list[Value]


@dataclass(frozen=True, slots=True)
class Compound:
    """All of, or any of."""

    type: str
    filters: tuple["Filter", ...]


Filter = Comparison | Compound

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}
LISTS = ("in", "nin")
COMPARISONS = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin")
COMPOUNDS = ("and", "or")
TYPES = ", ".join(f"'{name}'" for name in (*COMPARISONS, "and")) + " and 'or'"


def parse(data: object, path: str = "filters") -> Filter:
    """A filter, or an :class:`errors.Invalid` that says where it is wrong."""
    budget = [MAX_NODES]
    return _parse(data, path, 1, budget)


def _parse(data: object, path: str, depth: int, budget: list[int]) -> Filter:
    budget[0] -= 1
    if depth > MAX_DEPTH or budget[0] < 0:
        limits = f"at most {MAX_DEPTH} levels and {MAX_NODES} conditions."
        raise errors.bad_value("filters", f"the filter is too complex. Expected {limits}")
    if not isinstance(data, dict):
        raise wrong_type(path, "an object", data)
    kind = _member(data, path, "type")
    if kind in COMPOUNDS:
        return _compound(data, path, depth, budget)
    if kind in COMPARISONS:
        return _comparison(data, path)
    raise supported(f"{path}.type", kind, TYPES)


def _compound(data: dict[str, object], path: str, depth: int, budget: list[int]) -> Compound:
    _only(data, path, {"type", "filters"})
    parts = _member(data, path, "filters")
    if not isinstance(parts, list):
        raise wrong_type(f"{path}.filters", "an array", parts)
    filters = (_parse(part, f"{path}.filters[{i}]", depth + 1, budget) for i, part in enumerate(parts))
    return Compound(str(data["type"]), tuple(filters))


def _comparison(data: dict[str, object], path: str) -> Comparison:
    _only(data, path, {"type", "key", "value"})
    key, value = _member(data, path, "key"), _member(data, path, "value")
    if not isinstance(key, str):
        raise wrong_type(f"{path}.key", "a string", key)
    if data["type"] in LISTS:
        return Comparison(str(data["type"]), key, _values(value, f"{path}.value"))
    return Comparison(str(data["type"]), key, _scalar(value, f"{path}.value"))


def _member(data: dict[str, object], path: str, name: str) -> object:
    if name not in data:
        raise errors.missing(f"{path}.{name}")
    return data[name]


def _only(data: dict[str, object], path: str, names: set[str]) -> None:
    for name in data.keys() - names:
        raise errors.unknown(f"{path}.{name}")


def _values(value: object, path: str) -> list[Value]:
    if not isinstance(value, list):
        raise wrong_type(path, "an array", value)
    return [_scalar(item, f"{path}[{i}]") for i, item in enumerate(value)]


def _scalar(value: object, path: str) -> Value:
    if not isinstance(value, str | int | float | bool):
        raise wrong_type(path, "one of a string, a number or a boolean", value)
    return value


def matches(condition: Filter, attributes: Attributes) -> bool:
    """Whether a file with these attributes passes."""
    if isinstance(condition, Compound):
        quantifier = all if condition.type == "and" else any
        return quantifier(matches(part, attributes) for part in condition.filters)
    return _compare(condition, attributes)


def _compare(condition: Comparison, attributes: Attributes) -> bool:
    kind, value = condition.type, condition.value
    if condition.key not in attributes:
        return kind in ("ne", "nin")
    actual = attributes[condition.key]
    if isinstance(value, list):
        return any(_same(actual, item) for item in value) == (kind == "in")
    if kind in ORDERS:
        return _comparable(actual, value) and ORDERS[kind](actual, value)
    return _same(actual, value) == (kind == "eq")


def _same(one: Value, other: Value) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _comparable(one: Value, other: Value) -> bool:
    """Numbers with numbers, strings with strings; booleans have no order."""
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    return isinstance(one, str) == isinstance(other, str)
