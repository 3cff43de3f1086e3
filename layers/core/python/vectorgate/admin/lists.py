"""What the administrator's lists share: their parameters, and their pages."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

from vectorgate.admin.fields import invalid
from vectorgate.api.errors import InvalidRequest

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

Row = TypeVar("Row")

MAX_SIZE: Final = 100  # rows of a page, LiteLLM's maximum
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}


def refuse_unknown(query: Mapping[str, str], known: Collection[str]) -> None:
    """InvalidRequest for an unknown parameter: without it the list would show what the caller meant to exclude."""
    unknown = sorted(query.keys() - known)
    if unknown:
        name, names = unknown[0][:64], ", ".join(sorted(known))
        raise InvalidRequest(
            f"Unknown parameter '{name}': expected one of {names}.", code="unknown_parameter", param=name
        )


def flag(query: Mapping[str, str], name: str) -> bool:
    """A parameter that is true or false, false by default. InvalidRequest."""
    value = _TRUTH.get(query.get(name, "false").lower())
    if value is None:
        raise invalid(name, "'true' or 'false'")
    return value


def number(query: Mapping[str, str], name: str, default: int, most: int = 999_999_999) -> int:
    """A parameter that is an integer from 1 to `most`. InvalidRequest."""
    text = query.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or not 1 <= int(text) <= most:
        raise invalid(name, f"an integer from 1 to {most}")
    return int(text)


def page_of(rows: Sequence[Row], page: int, size: int) -> Sequence[Row]:
    """The rows of a page, counted from 1."""
    return rows[(page - 1) * size : page * size]


def pages_of(rows: Sequence[Row], size: int) -> int:
    """The number of pages."""
    return -(-len(rows) // size)
