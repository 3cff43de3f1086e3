"""OpenAI's refusals, word for word: one function for each way a request can be wrong.

Messages marked [W] in the wire contract are quoted from the real service; the others follow its manner. What a client
sent is echoed in at most `ECHO_MAX` characters, so that an error is never larger than its cause is worth.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.api.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Sequence

ECHO_MAX = 64  # a metadata key of legal length is shown whole
BAD_JSON = (
    "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library "
    "correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble "
    "figuring out how to fix this, please contact us through our help center at help.openai.com.)"
)


def clip(text: str) -> str:
    """The first `ECHO_MAX` characters of what a client sent."""
    return text if len(text) <= ECHO_MAX else f"{text[:ECHO_MAX]}..."


def json_type(value: object) -> str:
    """The JSON type of a value, with OpenAI's article: "a string", "null"."""
    if value is None:
        return "null"
    # bool comes first: in Python it is an int, in JSON it is not.
    names = ((bool, "a boolean"), (int, "an integer"), (float, "a decimal"), (str, "a string"), (list, "an array"))
    return next((name for kind, name in names if isinstance(value, kind)), "an object")


def shown(value: object) -> str:
    """A value as a message shows it: strings in quotes and clipped, scalars in JSON, the rest by its type."""
    if isinstance(value, str):
        return f"'{clip(value)}'"
    if isinstance(value, bool):
        return "true" if value else "false"
    return clip(str(value)) if isinstance(value, int | float) else json_type(value)


def listed(values: Sequence[str], word: str = "and") -> str:
    """`'a'`, `'a' and 'b'`, `'a', 'b', and 'c'`; or with "or"."""
    quoted = [f"'{value}'" for value in values]
    if len(quoted) <= 2:  # noqa: PLR2004 - two need no comma
        return f" {word} ".join(quoted)
    return f"{', '.join(quoted[:-1])}, {word} {quoted[-1]}"


def bad_json(hint: str | None = None) -> InvalidRequest:
    """The body is not JSON, or (with a hint of ours) JSON that two readers could understand differently."""
    return InvalidRequest(f"We could not parse the JSON body of your request. (HINT: {hint})" if hint else BAD_JSON)


def unsupported_content_type(content_type: str) -> InvalidRequest:
    """The body is declared as something else than JSON."""
    sent = clip(content_type)
    return InvalidRequest(
        f"Unsupported content type: '{sent}'. This API method only accepts 'application/json' requests, but you "
        f"specified the header 'Content-Type: {sent}'. Please try again with a supported content type.",
        code="unsupported_content_type",
    )


def body_type(value: object) -> InvalidRequest:
    """The body is JSON, but no object."""
    return InvalidRequest(
        f"Invalid type for the request body: expected an object, but got {json_type(value)} instead.",
        code="invalid_type",
    )


def unknown_parameter(param: str) -> InvalidRequest:
    """A field that the operation does not have."""
    return InvalidRequest(f"Unknown parameter: '{param}'.", param=param, code="unknown_parameter")


def missing_parameter(param: str) -> InvalidRequest:
    """A required field is absent."""
    return InvalidRequest(f"Missing required parameter: '{param}'.", param=param, code="missing_required_parameter")


def mutually_exclusive(param: str, other: str) -> InvalidRequest:
    """Two fields of which only one may be given."""
    message = f"Mutually exclusive parameters: '{other}' and '{param}'. Ensure you are only providing one of them."
    return InvalidRequest(message, param=param, code="mutually_exclusive_parameters")


def invalid_type(param: str, expected: str, value: object) -> InvalidRequest:
    """The right field with a value of another JSON type."""
    message = f"Invalid type for '{param}': expected {expected}, but got {json_type(value)} instead."
    return InvalidRequest(message, param=param, code="invalid_type")


def unsupported_value(param: str, value: object, supported: Sequence[str]) -> InvalidRequest:
    """A value outside of a closed list."""
    if not isinstance(value, str):
        return invalid_type(
            param, f"one of {listed(supported, 'or')}" if len(supported) > 1 else listed(supported), value
        )
    message = f"Invalid value: {shown(value)}. Supported values are: {listed(supported)}."
    return InvalidRequest(message, param=param, code="invalid_value")


def invalid_value(param: str, reason: str) -> InvalidRequest:
    """A value that is wrong for a reason of its own."""
    return InvalidRequest(f"Invalid '{param}': {reason}", param=param, code="invalid_value")


def bad_id(param: str, value: str) -> InvalidRequest:
    """An id with characters that no id has."""
    reason = "Expected an ID that contains letters, numbers, underscores, or dashes, but this value contained"
    return InvalidRequest(
        f"Invalid '{param}': '{clip(value)}'. {reason} additional characters.", param=param, code="invalid_value"
    )


def above_max(param: str, limit: float, value: object) -> InvalidRequest:
    """A number over its maximum; the limit's type tells integers from decimals."""
    return _out_of_range(param, "above max", f"<= {_figure(limit)}", value, _number_kind(limit))


def below_min(param: str, limit: float, value: object) -> InvalidRequest:
    """A number under its minimum."""
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
    """More elements than the operation takes."""
    return InvalidRequest(
        f"Invalid '{param}': array too long. Expected an array with maximum length {limit}, "
        f"but got an array with length {length} instead.",
        param=param,
        code="array_above_max_length",
    )


def array_too_short(param: str, limit: int, length: int) -> InvalidRequest:
    """Fewer elements than the operation needs; OpenAI has a code of its own for none at all."""
    what, got, code = ("empty array", "an empty array", "empty_array")
    if length:
        what, got, code = ("array too short", f"an array with length {length}", "array_below_min_length")
    message = f"Invalid '{param}': {what}. Expected an array with minimum length {limit}, but got {got} instead."
    return InvalidRequest(message, param=param, code=code)


def string_too_long(param: str, limit: int, length: int) -> InvalidRequest:
    """A longer string than the operation takes, counted in characters."""
    return InvalidRequest(
        f"Invalid '{param}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead.",
        param=param,
        code="string_above_max_length",
    )


def string_too_short(param: str, limit: int, length: int) -> InvalidRequest:
    """A shorter string than the operation needs; OpenAI has a code of its own for the empty one."""
    what, got, code = ("empty string", "an empty string", "empty_string")
    if length:
        what, got, code = ("string too short", f"a string with length {length}", "string_below_min_length")
    message = f"Invalid '{param}': {what}. Expected a string with minimum length {limit}, but got {got} instead."
    return InvalidRequest(message, param=param, code=code)


def too_many_properties(param: str, limit: int, length: int) -> InvalidRequest:
    """A map with more keys than it may have."""
    return InvalidRequest(
        f"Invalid '{param}': too many properties. Expected an object with at most {limit} properties, "
        f"but got an object with {length} properties instead.",
        param=param,
        code="object_above_max_properties",
    )


def key_too_long(param: str, limit: int, length: int) -> InvalidRequest:
    """A map with a key that is too long; the key itself is not repeated."""
    return InvalidRequest(
        f"Invalid property name in '{param}': string too long. Expected a string with maximum length {limit}, "
        f"but got a string with length {length} instead.",
        param=param,
        code="string_above_max_length",
    )
