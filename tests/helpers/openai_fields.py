"""Every place of a request of OpenAI's SDK that can hold an id, found by walking the types of its parameters."""

from __future__ import annotations

import types
import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, NotRequired, Required, Union, get_args, get_origin

from typing_extensions import get_type_hints, is_typeddict

if TYPE_CHECKING:
    from collections.abc import Iterator

ID_ENDS = ("_id", "_ids")
ID_NAMES = ("id", "container", "conversation")  # fields that hold an id, too


@dataclass(frozen=True)
class Place:
    """A place: the fields and list elements that lead to it, with the `type` of each object on the way."""

    steps: tuple[tuple[str, str | None], ...]  # a field's name, or "[]"; and the type of the object that has the field

    @property
    def name(self) -> str:
        """The name of the last field."""
        return next(name for name, _ in reversed(self.steps) if name != "[]")

    def __str__(self) -> str:
        return ".".join(f"{name}({kind})" if kind else name for name, kind in self.steps)

    def filled(self, value: str) -> dict[str, Any]:
        """Return a body that holds `value` at this place, and nothing else but the types on the way."""
        found: Any = value
        for name, kind in reversed(self.steps):
            found = [found] if name == "[]" else {**({"type": kind} if kind else {}), name: found}
        return typing.cast("dict[str, Any]", found)


def id_places(params: type) -> list[Place]:
    """Return the places of fields that hold ids by their names, each once."""
    return [place for place in text_places(params) if place.name in ID_NAMES or place.name.endswith(ID_ENDS)]


def text_places(params: type) -> list[Place]:
    """Return the places of texts, each once."""
    return list({str(place): place for place in _walk(params, (), ())}.values())


def _walk(shape: Any, steps: tuple[tuple[str, str | None], ...], seen: tuple[Any, ...]) -> Iterator[Place]:
    origin, arguments = get_origin(shape), get_args(shape)
    if origin in (Required, NotRequired, Annotated):
        yield from _walk(arguments[0], steps, seen)
    elif origin in (Union, types.UnionType):
        for option in arguments:
            yield from _walk(option, steps, seen)
    elif origin is dict:
        yield from _walk(arguments[-1], (*steps, ("a_name", None)), seen)
    elif origin is not None and origin is not Literal and arguments:
        yield from _walk(arguments[-1], (*steps, ("[]", None)), seen)
    elif is_typeddict(shape):
        yield from _walk_fields(shape, steps, seen)
    elif shape is str and steps:
        yield Place(steps)


def _walk_fields(shape: Any, steps: tuple[tuple[str, str | None], ...], seen: tuple[Any, ...]) -> Iterator[Place]:
    if shape in seen:
        return
    hints = get_type_hints(shape, include_extras=True)
    kinds: list[str | None] = [*_literals(hints.get("type"))]
    for kind in kinds or [None]:
        for name, hint in hints.items():
            yield from _walk(hint, (*steps, (name, kind)), (*seen, shape))


def _literals(hint: Any) -> list[str]:
    if get_origin(hint) is Literal:
        return [str(value) for value in get_args(hint)]
    return [value for part in get_args(hint) for value in _literals(part)]
