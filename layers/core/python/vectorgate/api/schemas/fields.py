"""Types of request fields, and their limits.

Limits are OpenAI's where it publishes one. `TEXT_MAX`, `QUERY_MAX` and `QUERIES_MAX` are the gateway's
own, because every value is bounded; no client is known to need more.
"""

from collections.abc import Callable
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator
from pydantic_core import PydanticCustomError

from vectorgate.api.schemas.object_ids import ID_MAX
from vectorgate.ids import ID_PREFIXES, OBJECT_ID, ObjectKind, is_of_another_kind

TEXT_MAX: Final = 4096
QUERY_MAX: Final = 32_768  # characters, about the 8191 tokens that the embedding model accepts
QUERIES_MAX: Final = 100
PROPERTIES_MAX: Final = 16
KEY_MAX: Final = 64
VALUE_MAX: Final = 512
TAGS_MAX: Final = 32  # of a call, or of a key
TAG_MAX: Final = 128
MIN_OUTPUT_TOKENS: Final = 16  # OpenAI's


class WireModel(BaseModel):
    """The base of request models: strict types, no unknown fields, and validators built at the first use."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, defer_build=True, allow_inf_nan=False)


def _check_id_characters(value: str) -> str:
    if not OBJECT_ID.fullmatch(value):
        raise PydanticCustomError("bad_id", "not an id")
    return value


def id_of(kind: ObjectKind) -> AfterValidator:
    """Return a validator of ids of that kind, as `check_id` is one of path parameters."""

    def check(value: str) -> str:
        _check_id_characters(value)
        if is_of_another_kind(kind, value):
            raise PydanticCustomError("id_of_another_kind", "another kind", {"prefix": ID_PREFIXES[kind]})
        return value

    return AfterValidator(check)


def wrong_type(expected: str, index: int | None = None) -> PydanticCustomError:
    """A type error that names the expected types; pydantic's own names only one type.

    `index` is the element that has the wrong type, if the value is a list.
    """
    return PydanticCustomError("wrong_type", "wrong type", {"expected": expected, "index": index})


def check_length(value: str, limit: int, index: int | None = None) -> None:
    """Refuse a string of more than `limit` characters, for types that cannot declare the limit."""
    if len(value) > limit:
        raise PydanticCustomError("string_too_long", "too long", {"max_length": limit, "index": index})


def check_size(values: list[object], limit: int) -> None:
    """Refuse a list of more than `limit` elements, for types that cannot declare the limit."""
    if len(values) > limit:
        raise PydanticCustomError("too_long", "too long", {"max_length": limit})


def not_null(expected: str) -> BeforeValidator:
    """Refuse null in an optional field, whose default None means that it is absent."""

    def refuse(value: object) -> object:
        if value is None:
            raise wrong_type(expected)
        return value

    return BeforeValidator(refuse)


def at_most(limit: int) -> BeforeValidator:
    """Bound a list before its elements are validated, so that "too long" is reported first."""

    def check(value: object) -> object:
        if isinstance(value, list):
            check_size(value, limit)
        return value

    return BeforeValidator(check)


def check_properties(value: object) -> object:
    """Bound a map before its values are validated: 16 keys of 64 characters."""
    if not isinstance(value, dict):
        return value
    if len(value) > PROPERTIES_MAX:
        raise PydanticCustomError("too_many_properties", "too many", {"max_length": PROPERTIES_MAX})
    if max(map(len, value), default=0) > KEY_MAX:
        raise PydanticCustomError("key_too_long", "too long", {"max_length": KEY_MAX})
    return value


def scalar(max_length: int) -> Callable[[object], str | float | bool]:
    """Return a validator of strings (up to `max_length` characters), numbers and booleans."""

    def check(value: object) -> str | float | bool:
        if not isinstance(value, str | int | float):
            raise wrong_type("one of a string, a number, or a boolean")
        if isinstance(value, str):
            check_length(value, max_length)
        return value

    return check


Id = Annotated[str, Field(min_length=1, max_length=ID_MAX), AfterValidator(_check_id_characters)]
StoreId = Annotated[str, Field(min_length=1, max_length=ID_MAX), id_of(ObjectKind.VECTOR_STORE)]
FileId = Annotated[str, Field(min_length=1, max_length=ID_MAX), id_of(ObjectKind.FILE)]
PartId = Annotated[str, Field(min_length=1, max_length=ID_MAX), id_of(ObjectKind.PART)]
Text = Annotated[str, Field(max_length=TEXT_MAX)]
Metadata = Annotated[dict[str, Annotated[str, Field(max_length=VALUE_MAX)]], BeforeValidator(check_properties)]
AttributeValue = Annotated[str | float | bool, PlainValidator(scalar(VALUE_MAX))]
Attributes = Annotated[dict[str, AttributeValue], BeforeValidator(check_properties)]
