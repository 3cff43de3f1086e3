"""Attribute filters: whether a file's attributes pass.

Values of different kinds are unequal (`true` is not 1, `"1"` is not 1) and unordered. A file without the attribute
passes only the negations, `ne` and `nin`. The gateway's schema bounds depth and size.
"""

from __future__ import annotations

import operator
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, cast

from vectorgate.api.schemas import error_messages
from vectorgate.api.schemas.filters import CompoundFilter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from engine.model import AttributeValue
    from vectorgate.api.schemas.filters import ComparisonFilter, Filter

_ORDERS: Final[Mapping[str, Callable[[Any, Any], bool]]] = MappingProxyType(
    {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
)
_LISTS: Final = frozenset({"in", "nin"})


def check(condition: Filter, path: str = "filters") -> None:
    """Refuse what the schema leaves to the provider: `in` and `nin` take a list, all others one value.

    InvalidRequest says where.
    """
    if isinstance(condition, CompoundFilter):
        for number, part in enumerate(condition.filters):
            check(part, f"{path}.filters[{number}]")
    elif isinstance(condition.value, list) != (condition.type in _LISTS):
        expected = "an array" if condition.type in _LISTS else "one of a string, a number or a boolean"
        raise error_messages.invalid_type(f"{path}.value", expected, condition.value)


def matches(condition: Filter, attributes: Mapping[str, AttributeValue]) -> bool:
    """Whether a file with these attributes passes."""
    if isinstance(condition, CompoundFilter):
        quantifier = all if condition.type == "and" else any
        return quantifier(matches(part, attributes) for part in condition.filters)
    return _compare(condition, attributes)


def _compare(condition: ComparisonFilter, attributes: Mapping[str, AttributeValue]) -> bool:
    kind, value = condition.type, cast("AttributeValue | list[AttributeValue]", condition.value)
    if condition.key not in attributes:
        return kind in {"ne", "nin"}
    actual = attributes[condition.key]
    if isinstance(value, list):
        return any(_same(actual, item) for item in value) == (kind == "in")
    if kind in _ORDERS:
        return _comparable(actual, value) and _ORDERS[kind](actual, value)
    return _same(actual, value) == (kind == "eq")


def _same(one: AttributeValue, other: AttributeValue) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _comparable(one: AttributeValue, other: AttributeValue) -> bool:
    """Whether two values have an order: numbers with numbers, strings with strings; booleans have none."""
    if isinstance(one, bool) or isinstance(other, bool):
        return False
    return isinstance(one, str) == isinstance(other, str)
