"""The standard library's `dataclass`, whose methods are compiled when one of them is first called. With slots, always.

The standard library compiles them while a module is imported: a millisecond for each class, of which a cold start has
66 and the first request needs half. Besides, its frozen instances set each field by a function call, a ledger row's 40:
that is left out, so that a class is frozen for mypy alone. Not for classes that inherit.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from dataclasses import dataclass as dataclass  # noqa: PLC0414 - for other modules
    from typing import Any
else:

    def dataclass(
        *, frozen: bool = False, slots: bool, kw_only: bool = False, order: bool = False
    ) -> Callable[[type], type]:
        """As in `dataclasses`. Every annotation of the class is a field."""
        del slots  # True, which the standard library's has to be told
        return lambda cls: _Deferred(cls, frozen=frozen, kw_only=kw_only, order=order).made


ORDER: Final = ("__lt__", "__le__", "__gt__", "__ge__")


class _Deferred:
    """A class with slots, and with methods that replace themselves at the first call of one of them."""

    def __init__(self, cls: type, *, frozen: bool, kw_only: bool, order: bool) -> None:
        self._cls, self._frozen, self._kw_only, self._order = cls, frozen, kw_only, order
        self._written = {name: part for name, part in vars(cls).items() if name not in ("__dict__", "__weakref__")}
        self._compared = ("__repr__", "__eq__", *(("__hash__",) if frozen else ()), *(ORDER if order else ()))
        names = tuple(cls.__annotations__)
        parts = {name: part for name, part in self._written.items() if name not in names}
        parts |= {"__slots__": names, "__match_args__": () if kw_only else names, "__dataclass_fields__": self}
        parts.setdefault("__init__", _first("__init__", self._complete_init))
        for name in self._compared:
            parts.setdefault(name, _first(name, self._complete_compared))
        self.made: type = type(cls)(cls.__name__, cls.__bases__, parts)
        self.made.__qualname__ = cls.__qualname__

    def __get__(self, _instance: object, _owner: type) -> Mapping[str, Any]:
        """The fields, for `dataclasses.fields` and `replace`."""
        self._complete_init()
        fields: Mapping[str, Any] = self.made.__dataclass_fields__  # type: ignore[attr-defined]  # no longer this object
        return fields

    def _complete_init(self) -> None:
        self._take(("__dataclass_fields__", "__init__"), init=True, eq=False, repr=False)

    def _complete_compared(self) -> None:
        self._take(self._compared, init=False, frozen=self._frozen, order=self._order)

    def _take(self, names: tuple[str, ...], **options: bool) -> None:
        """Have the standard library make these methods for a copy of the class as it was written."""
        copy = type(self._cls)(self._cls.__name__, self._cls.__bases__, dict(self._written))
        copy.__qualname__ = self._cls.__qualname__
        make: Any = dataclasses.dataclass
        complete = make(kw_only=self._kw_only, **options)(copy)
        for name in names:
            setattr(self.made, name, vars(complete)[name])


def _first(name: str, complete: Callable[[], None]) -> Callable[..., object]:
    def method(self: object, *args: object, **given: object) -> object:
        complete()
        return getattr(self, name)(*args, **given)

    return method
