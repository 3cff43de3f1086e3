"""A quicker `dataclass`: it makes classes in a third of the standard library's time, and so do they their instances.

A function's start makes 70 classes. For each, the standard library compiles up to six methods. Here `__init__` alone is
compiled, and the others are closures. Only the type checker keeps the attributes of a frozen class from being changed.
"""

from __future__ import annotations

import dataclasses
from operator import attrgetter, ge, gt, le, lt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool = False, order: bool = False, **options: bool) -> Callable[[type], type]:
        """As `dataclasses.dataclass`."""

        def made(cls: type) -> type:
            own = set(vars(cls))
            result = dataclasses.dataclass(repr=False, eq=False, **options)(cls)
            for name, method in _methods(result, hashed=frozen, ordered=order).items():
                if name not in own:
                    setattr(result, name, method)
            return result

        return made


__all__ = ["dataclass"]


def _methods(cls: Any, *, hashed: bool, ordered: bool) -> dict[str, Callable[..., Any] | None]:  # noqa: ANN401 - a dataclass
    compared = [each.name for each in dataclasses.fields(cls) if each.compare]
    values: Callable[[object], Any] = attrgetter(*compared) if compared else _no_values

    def comparing(how: Callable[[Any, Any], bool]) -> Callable[[object, object], bool]:
        def compare(self: object, other: object) -> bool:
            return how(values(self), values(other)) if type(other) is type(self) else NotImplemented

        return compare

    def equal(self: object, other: object) -> bool:
        return values(self) == values(other) if type(other) is type(self) else NotImplemented

    def hashing(self: object) -> int:
        return hash(values(self))

    order = {f"__{how.__name__}__": comparing(how) for how in (lt, le, gt, ge)} if ordered else {}
    return {"__repr__": _shown, "__eq__": equal, "__hash__": hashing if hashed else None, **order}


def _no_values(_: object) -> tuple[()]:
    return ()


def _shown(self: Any) -> str:  # noqa: ANN401 - an instance of one
    fields = ", ".join(f"{each.name}={getattr(self, each.name)!r}" for each in dataclasses.fields(self) if each.repr)
    return f"{type(self).__qualname__}({fields})"
