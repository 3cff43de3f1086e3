"""Translate pydantic's validation errors to the one error that OpenAI would answer.

pydantic reports every error of a body, OpenAI only one: the first unknown parameter, else the first error in the order
of the model's fields (nested fields in their place, lists up to their first invalid element).

Every error type that the models can produce has a row in `_TRANSLATIONS`. One without a row is a defect of the gateway,
and raises `UnmappedError`.
"""

from __future__ import annotations

import re
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vectorgate.api.schemas import error_messages
from vectorgate.classes import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from vectorgate.api.errors import InvalidRequest

_QUOTED = r"'([^']*)'"
_UNIONS = frozenset({"chunking_strategy", "filters"})


class UnmappedError(RuntimeError):
    """A model produced an error type without a translation: a defect of the gateway, not of the request."""


@dataclass(frozen=True, slots=True)
class FieldError:
    """One of pydantic's errors: the field's path as OpenAI writes it, its value, and the error's context."""

    param: str
    value: Any
    context: Mapping[str, Any]


def to_invalid_request(error: ValidationError) -> InvalidRequest:
    """The error to answer for all that pydantic reports. UnmappedError for an error type without a translation."""
    details = error.errors(include_url=False)
    reported = next((detail for detail in details if detail["type"] == "extra_forbidden"), details[0])
    translate = _TRANSLATIONS.get(reported["type"])
    if translate is None:
        raise UnmappedError(reported["type"])
    return translate(_field_error(reported))


def _field_error(error: ErrorDetails) -> FieldError:
    context = error.get("ctx", {})
    location, value = error["loc"], error["input"]
    index = context.get("index")
    if index is not None:
        location, value = (*location, index), value[index]
    return FieldError(param_path(location), value, context)


def param_path(location: Sequence[int | str]) -> str:
    """`("files", 0, "file_id")` as `files[0].file_id`, without the tags that pydantic adds below a union."""
    path, field = "", ""
    for step in location:
        if isinstance(step, int):
            path += f"[{step}]"
        elif field in _UNIONS:
            field = ""  # `step` is the union's tag, not a name
        else:
            field = step
            path += f".{error_messages.clip(step)}" if path else error_messages.clip(step)
    return path


def _bad_tag(error: FieldError) -> InvalidRequest:
    supported = re.findall(_QUOTED, error.context["expected_tags"])
    return error_messages.unsupported_value(f"{error.param}.type", error.value.get("type"), supported)


def _both_forms(error: FieldError) -> InvalidRequest:
    return error_messages.mutually_exclusive(error.context["param"], error.context["other"])


def _overlap(error: FieldError) -> InvalidRequest:
    reason = f"expected at most half of 'max_chunk_size_tokens' ({error.context['limit']}), but got {error.value}."
    return error_messages.invalid_value(error.param, reason)


def _wrong_type(expected: str) -> Callable[[FieldError], InvalidRequest]:
    return lambda error: error_messages.invalid_type(error.param, expected, error.value)


_TRANSLATIONS: Mapping[str, Callable[[FieldError], InvalidRequest]] = MappingProxyType(
    {
        "extra_forbidden": lambda f: error_messages.unknown_parameter(f.param),
        "missing": lambda f: error_messages.missing_parameter(f.param),
        "union_tag_not_found": lambda f: error_messages.missing_parameter(f"{f.param}.type"),
        "union_tag_invalid": _bad_tag,
        "string_type": _wrong_type("a string"),
        "int_type": _wrong_type("an integer"),
        "float_type": _wrong_type("a decimal"),
        "bool_type": _wrong_type("a boolean"),
        "list_type": _wrong_type("an array"),
        "dict_type": _wrong_type("an object"),
        "model_type": _wrong_type("an object"),
        "model_attributes_type": _wrong_type("an object"),
        "wrong_type": lambda f: error_messages.invalid_type(f.param, f.context["expected"], f.value),
        "literal_error": lambda f: error_messages.unsupported_value(
            f.param, f.value, re.findall(_QUOTED, f.context["expected"])
        ),
        "less_than_equal": lambda f: error_messages.above_max(f.param, f.context["le"], f.value),
        "greater_than_equal": lambda f: error_messages.below_min(f.param, f.context["ge"], f.value),
        "finite_number": lambda f: error_messages.invalid_value(f.param, "expected a finite number."),
        "string_too_long": lambda f: error_messages.string_too_long(f.param, f.context["max_length"], len(f.value)),
        "string_too_short": lambda f: error_messages.string_too_short(f.param, f.context["min_length"], len(f.value)),
        "string_unicode": lambda f: error_messages.invalid_value(f.param, "the string is not valid Unicode."),
        "bad_id": lambda f: error_messages.bad_id(f.param, f.value),
        "id_of_another_kind": lambda f: error_messages.id_of_another_kind(f.param, f.value, f.context["prefix"]),
        "bad_model": lambda f: error_messages.bad_model(f.param),
        "too_long": lambda f: error_messages.array_too_long(f.param, f.context["max_length"], len(f.value)),
        "too_short": lambda f: error_messages.array_too_short(f.param, f.context["min_length"], len(f.value)),
        "too_many_properties": lambda f: error_messages.too_many_properties(
            f.param, f.context["max_length"], len(f.value)
        ),
        "key_too_long": lambda f: error_messages.key_too_long(f.param, f.context["max_length"], max(map(len, f.value))),
        "overlap_too_large": _overlap,
        "both_forms": _both_forms,
        "no_form": lambda f: error_messages.missing_parameter(f.context["param"]),
        "filters_too_deep": lambda f: error_messages.invalid_value(
            f.param, f"expected filters of at most {f.context['limit']} levels."
        ),
        "filters_too_many": lambda f: error_messages.invalid_value(
            f.param, f"expected at most {f.context['limit']} filters in all."
        ),
    }
)
