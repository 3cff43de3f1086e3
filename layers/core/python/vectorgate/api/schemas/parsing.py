"""Parse bytes to a JSON object, strictly: input that two parsers could read differently is refused.

::

    size -> content type -> UTF-8 -> structure (depth, tokens) -> JSON -> surrogates -> top level

Each step is linear in the size and does not rely on a later one. The structure is checked before it is parsed, because
Python's parser recurses at each bracket, and the value of a body such as `[],[],` has thirty times its size in memory.
"""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, NoReturn, TypeVar

from pydantic import BaseModel, ValidationError

from vectorgate.api.errors import PayloadTooLarge
from vectorgate.api.schemas import error_messages
from vectorgate.api.schemas.translate import to_invalid_request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Model = TypeVar("Model", bound=BaseModel)

DEPTH_MAX = 64  # the deepest legal body (a search with FILTER_DEPTH_MAX levels of filters) needs 33
TOKENS_MAX = 250_000  # the largest legal body (2000 files with 16 attributes each) needs about 170,000
KEYS_MAX = 1024  # keys of one object; the largest legal one has 16 and LiteLLM's fields
NUMBER_MAX = 64  # characters of one number; 17 digits distinguish any two doubles
INT64 = 2**63

# The string alternative always matches, even unterminated: a failed attempt would be repeated from each quote in it.
_TOKEN = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{},]'
_SURROGATE_ESCAPE = rb"\\u[dD][89a-fA-F]"
_OPENING = frozenset(b"[{")
_CLOSING = frozenset(b"]}")


def parse_json_object(
    body: bytes, content_type: str | None, *, max_bytes: int, max_tokens: int = TOKENS_MAX
) -> dict[str, object]:
    """Parse `body` to an object; an empty body is an empty object.

    PayloadTooLarge over `max_bytes`. InvalidRequest for another content type, invalid UTF-8 or JSON, a value that is no
    object, duplicate keys, NaN or infinities, integers over 64 bits, lone surrogates, and more than `DEPTH_MAX`
    levels, `max_tokens` tokens or `KEYS_MAX` keys in one object.
    """
    _check_size(body, max_bytes)
    _check_content_type(content_type, empty=not body)
    if not body:
        return {}
    text = _decode_utf8(body)
    _check_structure(body, max_tokens)
    value = _decode_json(text)
    _check_surrogates(body, value)
    if not isinstance(value, dict):
        raise error_messages.body_type(value)
    return value


def _check_size(body: bytes, max_bytes: int) -> None:
    if len(body) > max_bytes:
        raise PayloadTooLarge(
            f"Request body too large: {len(body)} bytes, the maximum is {max_bytes}. "
            "Send fewer items in one request, and content as files."
        )


def _check_content_type(content_type: str | None, *, empty: bool) -> None:
    if not content_type and empty:
        return
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise error_messages.unsupported_content_type(content_type or "")


def _decode_utf8(body: bytes) -> str:
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise error_messages.bad_json("the body is not valid UTF-8.") from None


def _check_structure(body: bytes, max_tokens: int) -> None:
    brackets = body.count(b"[") + body.count(b"{")
    if brackets <= DEPTH_MAX and 2 * brackets + body.count(b",") + body.count(b'"') <= max_tokens:
        return
    depth = 0
    for count, token in enumerate(re.finditer(_TOKEN, body, re.DOTALL), start=1):
        first = body[token.start()]
        depth += (first in _OPENING) - (first in _CLOSING)
        if depth > DEPTH_MAX:
            raise error_messages.bad_json(f"it is nested more than {DEPTH_MAX} levels deep.")
        if count > max_tokens:
            raise error_messages.bad_json("it has too many values.")


def _decode_json(text: str) -> object:
    try:
        value: object = _DECODER.decode(text)
    except json.JSONDecodeError:
        raise error_messages.bad_json() from None
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    if len(pairs) > KEYS_MAX:
        raise error_messages.bad_json(f"an object has more than {KEYS_MAX} keys.")
    result = dict(pairs)
    if len(result) != len(pairs):
        raise error_messages.bad_json("an object has the same key twice.")
    return result


def _integer(digits: str) -> int:
    # The length is checked first: conversion is quadratic, and Python refuses more than 4300 digits.
    if len(digits) > NUMBER_MAX or not -INT64 <= int(digits) < INT64:
        raise error_messages.bad_json("an integer does not fit into 64 bits.")
    return int(digits)


def _decimal(digits: str) -> float:
    if len(digits) > NUMBER_MAX or math.isinf(float(digits)):
        raise error_messages.bad_json("a number is too large or too long.")
    return float(digits)


def _constant(name: str) -> NoReturn:
    raise error_messages.bad_json(f"{name} is not a JSON value.")


# Created once: `json.loads` creates a decoder at each call with arguments.
_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_int=_integer, parse_float=_decimal, parse_constant=_constant
)


def _check_surrogates(body: bytes, value: object) -> None:
    # Raw surrogates are invalid UTF-8. Escaped ones are checked, because many clients escape emoji as pairs of them.
    if rb"\u" not in body or not re.search(_SURROGATE_ESCAPE, body):
        return
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise error_messages.bad_json("a string contains a lone surrogate.") from None


def validate(model: type[Model], body: Mapping[str, object]) -> Model:
    """Validate `body` against a model. InvalidRequest, and no other error."""
    try:
        return model.model_validate(body)
    except ValidationError as error:
        # `from None`: pydantic's message repeats the client's values, which must not be logged.
        raise to_invalid_request(error) from None


def check_document(document: object) -> None:
    """Check a document that was parsed elsewhere against the limits of `parse_json_object`. InvalidRequest."""
    pending: list[tuple[object, int]] = [(document, 1)]
    for count, (value, depth) in enumerate(_pop_all(pending), start=1):
        if count > TOKENS_MAX:
            raise error_messages.bad_json("it has too many values.")
        if isinstance(value, dict | list):
            if depth > DEPTH_MAX:
                raise error_messages.bad_json(f"it is nested more than {DEPTH_MAX} levels deep.")
            pending.extend((child, depth + 1) for child in _children(value))
        else:
            _check_scalar(value)


def _pop_all(pending: list[tuple[object, int]]) -> Iterator[tuple[object, int]]:
    while pending:
        yield pending.pop()


def _children(value: dict[object, object] | list[object]) -> list[object]:
    """The values in a list or an object, and an object's keys, which are checked as text."""
    if isinstance(value, list):
        return value
    if len(value) > KEYS_MAX:
        raise error_messages.bad_json(f"an object has more than {KEYS_MAX} keys.")
    return [*value, *value.values()]


def _check_scalar(value: object) -> None:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise error_messages.bad_json("a string contains a lone surrogate.") from None
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise error_messages.bad_json("a number is not finite.")
    elif isinstance(value, int):  # True and False are integers, too
        if not -INT64 <= value < INT64:
            raise error_messages.bad_json("an integer does not fit into 64 bits.")
    elif value is not None:
        raise error_messages.bad_json("a value has a type that JSON does not have.")
