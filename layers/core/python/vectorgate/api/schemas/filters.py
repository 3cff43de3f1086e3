"""The filter of a search: comparisons, and compounds of filters.

OpenAI publishes no limit of depth or number. `FILTER_DEPTH_MAX` and `FILTERS_MAX` are the gateway's own, and checked
level by level before a filter is validated, so that the recursion is over a small tree.
"""

from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, FailFast, Field, PlainValidator
from pydantic_core import PydanticCustomError

from vectorgate.api.schemas.fields import TEXT_MAX, Text, WireModel, check_length, check_size, wrong_type

FILTER_DEPTH_MAX: Final = 16
FILTERS_MAX: Final = 256
FILTER_VALUES_MAX: Final = 1000


def _check_value(value: object) -> object:
    """A string, number or boolean, or (for `in` and `nin`) a list of strings and numbers."""
    if isinstance(value, list):
        check_size(value, FILTER_VALUES_MAX)
        for index, item in enumerate(value):
            _check_item(item, index)
    elif isinstance(value, str):
        check_length(value, TEXT_MAX)
    elif not isinstance(value, int | float):
        raise wrong_type("one of a string, a number, a boolean, or an array")
    return value


def _check_item(item: object, index: int) -> None:
    if isinstance(item, str):
        check_length(item, TEXT_MAX, index)
    elif isinstance(item, bool) or not isinstance(item, int | float):
        raise wrong_type("one of a string or a number", index)


def _children(item: object) -> list[object]:
    filters = item.get("filters") if isinstance(item, dict) else None
    return filters if isinstance(filters, list) else []


def check_filter_size(value: object) -> object:
    """Refuse a tree of filters that is too deep or too large."""
    level, depth, count = [value], 0, 0
    while level:
        depth, count = depth + 1, count + len(level)
        if depth > FILTER_DEPTH_MAX:
            raise PydanticCustomError("filters_too_deep", "too deep", {"limit": FILTER_DEPTH_MAX})
        if count > FILTERS_MAX:
            raise PydanticCustomError("filters_too_many", "too many", {"limit": FILTERS_MAX})
        level = [child for item in level for child in _children(item)]
    return value


class ComparisonFilter(WireModel):
    """A comparison of an attribute with a value."""

    type: Literal["eq", "ne", "gt", "gte", "lt", "lte", "in", "nin"]
    key: Text
    value: Annotated[object, PlainValidator(_check_value)]


class CompoundFilter(WireModel):
    """Filters of which all ("and") or any ("or") must match."""

    type: Literal["and", "or"]
    filters: Annotated[list["Filter"], FailFast()]


Filter = Annotated[ComparisonFilter | CompoundFilter, Field(discriminator="type")]
BoundedFilter = Annotated[Filter, BeforeValidator(check_filter_size)]
