"""OpenAI's error messages for invalid requests, one function for each.

Messages marked [W] in the wire contract are quoted from the real service; the others follow its style. A client's value
is repeated in at most `ECHO_MAX` characters, which bounds the size of an error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.api.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

ECHO_MAX = 64  # characters: the maximum of a metadata key
BAD_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble "
    "figuring out how to fix this, please contact us through our help center at help.openai.com.)"
)


def clip(text: str) -> str:
    """The first `ECHO_MAX` characters of what a client sent."""
    return text if len(text) <= ECHO_MAX else f"{text[:ECHO_MAX]}..."


def json_type(value: object) -> str:
    """The JSON type of a value with its article, as OpenAI writes it: "a string", "null"."""
    if value is None:
        return "null"
    # bool comes first, because it is an int in Python, but not in JSON.
    names = ((bool, "a boolean"), (int, "an integer"), (float, "a decimal"), (str, "a string"), (list, "an array"))
    return next((name for kind, name in names if isinstance(value, kind)), "an object")


def shown(value: object) -> str:
    """A value in a message: strings quoted and clipped, other scalars as JSON, anything else by its type."""
    if isinstance(value, str):
        return f"'{clip(value)}'"
    if isinstance(value, bool):
        return "true" if value else "false"
    return clip(str(value)) if isinstance(value, int | float) else json_type(value)


def listed(values: Sequence[str], word: str = "and") -> str:
    """Join quoted values: `'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`. `word` is "and" or "or"."""
    quoted = [f"'{value}'" for value in values]
    if len(quoted) <= 2:  # noqa: PLR2004 - two need no comma
        return f" {word} ".join(quoted)
    return f"{', '.join(quoted[:-1])}, {word} {quoted[-1]}"


def bad_json(hint: str | None = None) -> InvalidRequest:
    """The body is not JSON, or (with a hint) JSON that is ambiguous or exceeds a limit."""
    return InvalidRequest(f"We could not parse the JSON body of your request. (HINT: {hint})" if hint else BAD_JSON)


def unsupported_content_type(content_type: str) -> InvalidRequest:
    """The content type is not JSON."""
    sent = clip(content_type)
    return InvalidRequest(
        f"Unsupported content type: '{sent}'. This API method only accepts 'application/json' requests, but you "
        f"specified the header 'Content-Type: {sent}'. Please try again with a supported content type.",
        code="unsupported_content_type",
    )


def body_type(value: object) -> InvalidRequest:
    """The body is JSON, but not an object."""
    return InvalidRequest(
        f"Invalid type for the request body: expected an object, but got {json_type(value)} instead.",
        code="invalid_type",
    )


def unknown_parameter(param: str) -> InvalidRequest:
    """A field that the operation does not define."""
    return InvalidRequest(f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")


def missing_parameter(param: str) -> InvalidRequest:
    """A required field is absent."""
    return InvalidRequest(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def mutually_exclusive(param: str, other: str) -> InvalidRequest:
    """Two fields that exclude each other."""
    message = f"Mutually exclusive parameters: '{other}' and '{param}'. Ensure you are only providing one of them."
    return InvalidRequest(message, param=param, code="mutually_exclusive_parameters")


def invalid_type(param: str, expected: str, value: object) -> InvalidRequest:
    """A value of the wrong JSON type."""
    message = f"Invalid type for '{param}': expected {expected}, but got {json_type(value)} instead."
    return InvalidRequest(message, param=param, code="invalid_type")


def unsupported_value(param: str, value: object, supported: Sequence[str]) -> InvalidRequest:
    """A value outside an enumeration."""
    if not isinstance(value, str):
        return invalid_type(
            param, f"one of {listed(supported, 'or')}" if len(supported) > 1 else listed(supported), value
        )
    message = f"Invalid value: {shown(value)}. Supported values are: {listed(supported)}."
    return InvalidRequest(message, param=param, code="invalid_value")


def invalid_value(param: str, reason: str) -> InvalidRequest:
    """An invalid value, with the reason."""
    return InvalidRequest(f"Invalid '{param}': {reason}", param=param, code="invalid_value")


def bad_id(param: str, value: str) -> InvalidRequest:
    """An id with invalid characters."""
    reason = "Expected an ID that contains letters, numbers, underscores, or dashes, but this value contained"
    return InvalidRequest(
        f"Invalid '{param}': '{clip(value)}'. {reason} additional characters.", param=param, code="invalid_value"
    )


def id_of_another_kind(param: str, value: str, prefix: str) -> InvalidRequest:
    """An id that begins as the ids of another kind of object do."""
    message = f"Invalid '{param}': '{clip(value)}'. Expected an ID that begins with '{prefix}'."
    return InvalidRequest(message, param=param, code="invalid_value")


def bad_model(param: str) -> InvalidRequest:
    """What cannot be a model's name."""
    return invalid_value(param, "expected a model's name of letters, digits, and '.', '_', ':', '@' or '-'.")


def above_max(param: str, limit: float, value: object) -> InvalidRequest:
    """A number above its maximum. The type of `limit` decides between integer and decimal."""
    return _out_of_range(param, "above max", f"<= {_figure(limit)}", value, _number_kind(limit))


def below_min(param: str, limit: float, value: object) -> InvalidRequest:
    """A number below its minimum."""
    return _out_of_range(param, "below min", f">= {_figure(limit)}", value, _number_kind(limit))


def _out_of_range(param: str, side: str, expected: str, value: object, kind: str) -> InvalidRequest:
    message = (
        f"Invalid '{param}': {kind} {side}imum value. Expected a value {expected}, but got {shown(value)} instead."
    )
    return InvalidRequest(message, param=param, code=f"{kind}_{side.replace(' ', '_')}_value")


def _number_kind(limit: float) -> str:
    return "decimal" if isinstance(limit, float) else "integer"


def _figure(limit: float) -> str:
    return f"{limit:g}" if isinstance(limit, float) else str(limit)


def array_too_long(param: str, limit: int, length: int) -> InvalidRequest:
    """An array with more than `limit` elements."""
    return InvalidRequest(
        f"Invalid '{param}': array too long. Expected an array with maximum length {limit}, "
        f"but got an array with length {length} instead.",
        param=param,
        code="array_above_max_length",
    )


def array_too_short(param: str, limit: int, length: int) -> InvalidRequest:
    """An array with fewer than `limit` elements; OpenAI has a separate code for an empty one."""
    what, got, code = ("empty array", "an empty array", "empty_array")
    if length:
        what, got, code = ("array too short", f"an array with length {length}", "array_below_min_length")
    message = f"Invalid '{param}': {what}. Expected an array with minimum length {limit}, but got {got} instead."
    return InvalidRequest(message, param=param, code=code)


def string_too_long(param: str, limit: int, length: int) -> InvalidRequest:
    """A string with more than `limit` characters."""
    return InvalidRequest(
        f"Invalid '{param}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead.",
        param=param,
        code="string_above_max_length",
    )


def string_too_short(param: str, limit: int, length: int) -> InvalidRequest:
    """A string with fewer than `limit` characters; OpenAI has a separate code for an empty one."""
    what, got, code = ("empty string", "an empty string", "empty_string")
    if length:
        what, got, code = ("string too short", f"a string with length {length}", "string_below_min_length")
    message = f"Invalid '{param}': {what}. Expected a string with minimum length {limit}, but got {got} instead."
    return InvalidRequest(message, param=param, code=code)


def too_many_properties(param: str, limit: int, length: int) -> InvalidRequest:
    """An object with more than `limit` properties."""
    return InvalidRequest(
        f"Invalid '{param}': too many properties. Expected an object with at most {limit} properties, "
        f"but got an object with {length} properties instead.",
        param=param,
        code="object_above_max_properties",
    )


def key_too_long(param: str, limit: int, length: int) -> InvalidRequest:
    """An object with a key of more than `limit` characters; the key itself is not repeated."""
    return InvalidRequest(
        f"Invalid property name in '{param}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead.",
        param=param,
        code="string_above_max_length",
    )
