"""Parameters of reports' queries, and OpenAI's errors for them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl

from vectorgate.api.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from vectorgate.api.http import Request

_INTEGER: Final = re.compile(r"-?[0-9]{1,18}", re.ASCII)
MAX_VALUES: Final = 100  # of one parameter


def values_of(request: Request, name: str) -> list[str]:
    """All values of a parameter: `name=a&name=b`, as openai's clients write it `name[]=a&name[]=b`, or `name=a,b`.

    Without the query's text, as API Gateway joins them: by commas. InvalidRequest for more than MAX_VALUES.
    """
    if request.raw_query:
        pairs = parse_qsl(request.raw_query, keep_blank_values=True)
        found = [value for key, value in pairs if key == f"{name}[]"]
        found += [part for key, value in pairs if key == name for part in value.split(",")]
    else:
        texts = (request.query.get(each) for each in (name, f"{name}[]"))
        found = [part for text in texts if text is not None for part in text.split(",")]
    if len(found) > MAX_VALUES:
        most = f"Expected an array with maximum length {MAX_VALUES}, but got an array with length {len(found)} instead."
        message = f"Invalid '{name}': array too long. {most}"
        raise InvalidRequest(message, code="array_above_max_length", param=name)
    return [value for value in found if value]


def refuse_unknown(request: Request, known: Collection[str]) -> None:
    """InvalidRequest for an unknown parameter: a filter that is ignored would show what the caller excludes."""
    for name in request.query:
        if name.removesuffix("[]") not in known:
            raise InvalidRequest(f"Unknown parameter: '{name[:64]}'.", code="unknown_parameter", param=name[:64])


def integer(request: Request, name: str, default: int | None, least: int, most: int) -> int:
    """A parameter that is an integer from `least` to `most`; without a default it is required. InvalidRequest."""
    text = request.query.get(name)
    if not text:
        if default is None:
            message = f"Missing required parameter: '{name}'."
            raise InvalidRequest(message, code="missing_required_parameter", param=name)
        return default
    if not _INTEGER.fullmatch(text):
        message = f"Invalid type for '{name}': expected an integer, but got a string instead."
        raise InvalidRequest(message, code="invalid_type", param=name)
    value = int(text)
    if value < least:
        raise _out_of_range(name, value, f"below minimum value. Expected a value >= {least}", "integer_below_min_value")
    if value > most:
        raise _out_of_range(name, value, f"above maximum value. Expected a value <= {most}", "integer_above_max_value")
    return value


def _out_of_range(name: str, value: int, why: str, code: str) -> InvalidRequest:
    return InvalidRequest(f"Invalid '{name}': integer {why}, but got {value} instead.", code=code, param=name)


def chosen(name: str, values: Sequence[str], supported: Sequence[str]) -> list[str]:
    """The values, each of which has to be supported. InvalidRequest."""
    for value in values:
        if value not in supported:
            *others, last = [f"'{each}'" for each in supported]
            names = f"{', '.join(others)}, and {last}" if others else last
            message = f"Invalid value: '{value[:64]}'. Supported values are: {names}."
            raise InvalidRequest(message, code="invalid_value", param=name)
    return list(values)
