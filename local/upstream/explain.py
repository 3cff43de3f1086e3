"""pydantic's complaints in OpenAI's words: message, param and code."""

from collections.abc import Callable, Mapping

from pydantic_core import ErrorDetails

from local.upstream import errors
from local.upstream.errors import Invalid

EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_parsing": "an integer",
    "int_from_float": "an integer",
    "float_type": "a decimal",
    "bool_type": "a boolean",
    "list_type": "an array",
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
}
KINDS: list[tuple[type, str]] = [
    (bool, "a boolean"),
    (int, "an integer"),
    (float, "a decimal"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
]


def explain(error: ErrorDetails, data: object) -> Invalid:
    """The refusal of ``data`` that ``error`` describes."""
    param = path(error["loc"], data)
    kind = error["type"]
    if kind in EXPECTED:
        return wrong_type(param, EXPECTED[kind], error["input"])
    return WORDS[kind](param, error)


def path(loc: tuple[int | str, ...], data: object) -> str:
    """``loc`` as ``files[0].attributes.k``, without pydantic's own steps (union tags, ``[key]``)."""
    steps = [step for step in loc if step != "[key]"]
    words: list[str] = []
    for position, step in enumerate(steps):
        known = isinstance(data, dict) and step in data
        if isinstance(step, int) or known or position == len(steps) - 1:
            words.append(f"[{step}]" if isinstance(step, int) else f".{step}")
            data = descend(data, step)
    return "".join(words).removeprefix(".")


def descend(data: object, step: int | str) -> object:
    """What lies one step down; None where nothing does."""
    if isinstance(data, dict):
        return data.get(step)
    if isinstance(data, list) and isinstance(step, int):
        return data[step]
    return None


def kind_of(value: object) -> str:
    """What a JSON value is, in OpenAI's words."""
    return next((words for kind, words in KINDS if isinstance(value, kind)), "null")


def wrong_type(param: str, expected: str, value: object) -> Invalid:
    """A value of another type."""
    message = f"Invalid type for '{param}': expected {expected}, but got {kind_of(value)} instead."
    return Invalid(message, param=param, code="invalid_type")


def supported(param: str, value: object, values: str) -> Invalid:
    """A value outside its enumeration."""
    message = f"Invalid value: '{value}'. Supported values are: {values}."
    return Invalid(message, param=param, code="invalid_value")


def _context(error: ErrorDetails) -> Mapping[str, object]:
    return error.get("ctx", {})


def _unknown(param: str, _error: ErrorDetails) -> Invalid:
    return errors.unknown(param)


def _missing(param: str, _error: ErrorDetails) -> Invalid:
    return errors.missing(param)


def _literal(param: str, error: ErrorDetails) -> Invalid:
    values = str(_context(error)["expected"]).replace(" or ", " and ")
    return supported(param, error["input"], values)


def _tag(param: str, error: ErrorDetails) -> Invalid:
    context = _context(error)
    return supported(f"{param}.type", context["tag"], str(context["expected_tags"]).replace(", ", " and "))


def _no_tag(param: str, _error: ErrorDetails) -> Invalid:
    return errors.missing(f"{param}.type")


def _below(param: str, error: ErrorDetails) -> Invalid:
    return _bound(param, error, "below minimum", f">= {_context(error)['ge']}", "below_min")


def _above(param: str, error: ErrorDetails) -> Invalid:
    return _bound(param, error, "above maximum", f"<= {_context(error)['le']}", "above_max")


def _bound(param: str, error: ErrorDetails, side: str, limit: str, code: str) -> Invalid:
    noun = "decimal" if isinstance(error["input"], float) else "integer"
    message = f"Invalid '{param}': {noun} {side} value. Expected a value {limit}, but got {error['input']} instead."
    return Invalid(message, param=param, code=f"{noun}_{code}_value")


def _too_long(param: str, error: ErrorDetails) -> Invalid:
    most, got = _context(error)["max_length"], len(error["input"])
    if isinstance(error["input"], dict):
        message = (
            f"Invalid '{param}': too many properties. Expected an object with at most {most} properties, "
            f"but got an object with {got} properties instead."
        )
        return Invalid(message, param=param, code="object_above_max_properties")
    message = (
        f"Invalid '{param}': array too long. Expected an array with maximum length {most}, "
        f"but got an array with length {got} instead."
    )
    return Invalid(message, param=param, code="array_above_max_length")


def _too_short(param: str, _error: ErrorDetails) -> Invalid:
    message = (
        f"Invalid '{param}': empty array. Expected an array with minimum length 1, but got an empty array instead."
    )
    return Invalid(message, param=param, code="empty_array")


def _string_too_long(param: str, error: ErrorDetails) -> Invalid:
    message = (
        f"Invalid '{param}': string too long. Expected a string with maximum length {_context(error)['max_length']}, "
        f"but got a string with length {len(error['input'])} instead."
    )
    return Invalid(message, param=param, code="string_above_max_length")


def _string_too_short(param: str, _error: ErrorDetails) -> Invalid:
    message = (
        f"Invalid '{param}': empty string. Expected a string with minimum length 1, but got an empty string instead."
    )
    return Invalid(message, param=param, code="empty_string")


def _bad_value(param: str, error: ErrorDetails) -> Invalid:
    return errors.bad_value(param, error["msg"])


def _wrong_type(param: str, error: ErrorDetails) -> Invalid:
    return wrong_type(param, error["msg"], error["input"])


# "bad_value" and "wrong_type" are raised by the models themselves; the rest are pydantic's names.
WORDS: dict[str, Callable[[str, ErrorDetails], Invalid]] = {
    "extra_forbidden": _unknown,
    "missing": _missing,
    "literal_error": _literal,
    "union_tag_invalid": _tag,
    "union_tag_not_found": _no_tag,
    "greater_than_equal": _below,
    "less_than_equal": _above,
    "too_long": _too_long,
    "too_short": _too_short,
    "string_too_long": _string_too_long,
    "string_too_short": _string_too_short,
    "bad_value": _bad_value,
    "wrong_type": _wrong_type,
}
