"""The tree in the docstring of `errors` is the tree of its classes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from vectorgate.api import errors
from vectorgate.api.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator


def children(parent: type[ApiError]) -> list[type[ApiError]]:
    """Return the subclasses in `errors` of a class, in the order of the file."""
    return [each for each in vars(errors).values() if isinstance(each, type) and parent in each.__bases__]


def drawn(parent: type[ApiError], indent: str = "    ") -> Iterator[str]:
    """Return the tree below a class."""
    below = children(parent)
    for child in below:
        is_last = child is below[-1]
        yield f"{indent}{'└' if is_last else '├'}── {child.__name__}"
        yield from drawn(child, f"{indent}{' ' if is_last else '│'}   ")


def test_every_error_is_drawn_below_its_parent() -> None:
    lines = re.findall(r"^ +[│├└─ ]*\w+", errors.__doc__ or "", re.MULTILINE)
    assert lines == [f"    {ApiError.__name__}", *drawn(ApiError)]


def test_a_drawn_status_is_the_class_own() -> None:
    for name, status in re.findall(r"── (\w+) +(\d{3})  ", errors.__doc__ or ""):
        assert getattr(errors, name).status == int(status), name
