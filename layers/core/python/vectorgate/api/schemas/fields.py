"""The types that request fields are made of, and the limits they carry.

Limits are OpenAI's where it publishes one (contract 1.2). `TEXT_MAX`, `QUERY_MAX` and `QUERIES_MAX` are ours: nothing
is unbounded, and nobody is known to need more.
"""

import re
from collections.abc import Callable
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from vectorgate.api.schemas import error_messages

ID_MAX: Final = 128
TEXT_MAX: Final = 4096
QUERY_MAX: Final = 32_768  # about the 8191 tokens that the embedding model takes
QUERIES_MAX: Final = 100
PROPERTIES_MAX: Final = 16
KEY_MAX: Final = 64
VALUE_MAX: Final = 512

_ID = re.compile(r"[A-Za-z0-9_-]+")


class WireModel(BaseModel):
    """A request as OpenAI documents it: strict types, no other fields, and built when it is first needed."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True, allow_inf_nan=False)


def check_id(param: str, value: str) -> str:
    """`value`, if it has the shape of an id: 1 to 128 letters, digits, underscores and dashes.

    Raises `InvalidRequest` on `param` otherwise. For ids of paths and queries as well as of bodies.
    """
    if not value:
        raise error_messages.string_too_short(param, 1, 0)
    if len(value) > ID_MAX:
        raise error_messages.string_too_long(param, ID_MAX, len(value))
    if not _ID.fullmatch(value):
        raise error_messages.bad_id(param, value)
    return value


def _id_shape(value: str) -> str:
    if not _ID.fullmatch(value):
        raise PydanticCustomError("bad_id", "not an id")
    return value


def wrong_type(expected: str, index: int | None = None) -> PydanticCustomError:
    """A type error that names what would have been right; pydantic's own knows only one type at a time.

    `index` points at one element, if the value is a list.
    """
    return PydanticCustomError("wrong_type", "wrong type", {"expected": expected, "index": index})


def check_length(value: str, limit: int, index: int | None = None) -> None:
    """Refuse a string of more than `limit` characters, where the type itself could not carry the limit."""
    if len(value) > limit:
        raise PydanticCustomError("string_too_long", "too long", {"max_length": limit, "index": index})


def check_size(values: list[object], limit: int) -> None:
    """Refuse a list of more than `limit` elements, likewise."""
    if len(values) > limit:
        raise PydanticCustomError("too_long", "too long", {"max_length": limit})


def not_null(expected: str) -> BeforeValidator:
    """Refuse null on a field that may be absent: its default is None, which the client may not say."""

    def refuse(value: object) -> object:
        if value is None:
            raise wrong_type(expected)
        return value

    return BeforeValidator(refuse)


def at_most(limit: int) -> BeforeValidator:
    """Bound a list before its elements are looked at: "too long" comes before what is wrong inside."""

    def check(value: object) -> object:
        if isinstance(value, list):
            check_size(value, limit)
        return value

    return BeforeValidator(check)


def check_properties(value: object) -> object:
    """Bound a map before its values are looked at: 16 keys of 64 characters."""
    if not isinstance(value, dict):
        return value
    if len(value) > PROPERTIES_MAX:
        raise PydanticCustomError("too_many_properties", "too many", {"max_length": PROPERTIES_MAX})
    if max(map(len, value), default=0) > KEY_MAX:
        raise PydanticCustomError("key_too_long", "too long", {"max_length": KEY_MAX})
    return value


def scalar(max_length: int) -> Callable[[object], str | float | bool]:
    """A validator of strings (up to `max_length`), numbers and booleans."""

    def check(value: object) -> str | float | bool:
        if not isinstance(value, str | int | float):
            raise wrong_type("one of a string, a number, or a boolean")
        if isinstance(value, str):
            check_length(value, max_length)
        return value

    return check


Id = Annotated[str, Field(min_length=1, max_length=ID_MAX), AfterValidator(_id_shape)]
Text = Annotated[str, Field(max_length=TEXT_MAX)]
Metadata = Annotated[dict[str, Annotated[str, Field(max_length=VALUE_MAX)]], BeforeValidator(check_properties)]
AttributeValue = Annotated[str | float | bool, PlainValidator(scalar(VALUE_MAX))]
Attributes = Annotated[dict[str, AttributeValue], BeforeValidator(check_properties)]
