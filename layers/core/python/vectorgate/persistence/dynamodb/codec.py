"""Plain values as DynamoDB's attribute values and back, exactly: integers as text of up to 38 digits. Pure."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, Final

from vectorgate.store_errors import NewerRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# The highest form of the rows that this release writes; a row without the attribute `form` has the first, one that is
# `reserving` the second. A release whose rows the one before would misread writes a higher one; that release then
# leaves them alone, and what it cannot read it does not replace: every writer of whole items reads them first, or
# demands the state that it read.
FORM: Final = 2
# DynamoDB refuses numbers of more significant digits.
_MAX_DIGITS = 38


def encoded(record: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Each value as an attribute; None is no attribute."""
    return {name: encode(value) for name, value in record.items() if value is not None}


def encode(value: Any) -> dict[str, Any]:  # noqa: ANN401  # a tree of plain values
    """One value. TypeError when it has no exact form: a float has none here."""
    if isinstance(value, bool):
        return {"BOOL": value}
    if isinstance(value, str):
        return {"S": str(value)}
    if isinstance(value, int):
        return {"N": _digits(value)}
    if isinstance(value, (list, tuple)):
        return {"L": [encode(part) for part in value]}
    if isinstance(value, dict):
        return {"M": encoded(value)}
    raise TypeError(f"a {type(value).__name__} has no exact attribute")


def decoded(item: Mapping[str, Mapping[str, Any]], shape: type[Any]) -> dict[str, Any]:
    """The attributes that are fields of the dataclass `shape`; others are left out."""
    return decoded_names(item, (field.name for field in fields(shape)))


def decoded_names(item: Mapping[str, Mapping[str, Any]], names: Iterable[str]) -> dict[str, Any]:
    """The attributes of these names; others are left out. NewerRow for a row of another release's form."""
    if "form" in item and is_newer(item):
        raise NewerRow("the form of a later release")
    return {name: decode(item[name]) for name in names if name in item}


def is_newer(item: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a later release wrote the row in a form that this one does not know."""
    return int(item.get("form", {}).get("N", 1)) > FORM


def decode(attribute: Mapping[str, Any]) -> Any:  # noqa: ANN401  # a tree of plain values
    """The inverse of `encode`, with lists for tuples. ValueError for a type that is never written here."""
    ((kind, value),) = attribute.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            return int(value)
        case "L":
            return [decode(part) for part in value]
        case "M":
            return {name: decode(part) for name, part in value.items()}
        case _:
            raise ValueError(f"an attribute of type {kind}")


def _digits(value: int) -> str:
    text = str(value)
    if len(text.lstrip("-")) > _MAX_DIGITS:
        raise ValueError("an integer of more than 38 digits")
    return text
