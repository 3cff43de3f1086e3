"""DynamoDB's conditions and updates, as far as the adapters use them: each text is read once, into functions."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Item = dict[str, Any]
    Values = Mapping[str, Any]
    Names = Mapping[str, str]
    Operand = Callable[[Item, Values, Names], Any]
    Change = Callable[[Item, Item, Values, Names], None]  # of the new item, by the old one

_TOKEN: Final = re.compile(r"[:#]?\w+|<=|>=|<>|[=<>(),+-]")
_CLAUSE: Final = re.compile(r"\b(SET|ADD|DELETE|REMOVE)\b")
_ORDER: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def holds(expression: str | None, item: Item, values: Values, names: Names) -> bool:
    """Whether an item, `{}` for one that is not there, fulfils a condition."""
    return expression is None or bool(_condition(expression)(item, values, names))


def updated(expression: str, item: Item, values: Values, names: Names) -> Item:
    """The item after an update."""
    new = dict(item)
    for change in _update(expression):
        change(new, item, values, names)
    return new


@cache
def _condition(text: str) -> Operand:
    reader = _Reader(text)
    read = reader.either()
    reader.end()
    return read


@cache
def _update(text: str) -> tuple[Change, ...]:
    parts = _CLAUSE.split(text)[1:]
    changes = []
    for clause, body in zip(parts[::2], parts[1::2], strict=True):
        reader = _Reader(body)
        changes.append(reader.change(clause))
        while reader.accept(","):
            changes.append(reader.change(clause))
        reader.end()
    return tuple(changes)


def plain(attribute: Any) -> Any:
    """An attribute as what it is compared and calculated by; None for one that is not there."""
    if attribute is None:
        return None
    ((kind, value),) = attribute.items()
    return int(value) if kind == "N" else frozenset(value) if kind in {"SS", "BS"} else value


class _Reader:
    """A recursive descent over the tokens of one expression."""

    def __init__(self, text: str) -> None:
        self._tokens = _TOKEN.findall(text)
        if "".join(self._tokens) != "".join(text.split()):
            raise ValueError(f"not understood: {text}")
        self._at = 0

    def accept(self, *tokens: str) -> str | None:
        """The next token, if it is one of these."""
        if self._at < len(self._tokens) and self._tokens[self._at] in tokens:
            return self._next()
        return None

    def end(self) -> None:
        if self._at != len(self._tokens):
            raise ValueError(f"not understood: {self._tokens[self._at :]}")

    def either(self) -> Operand:
        parts = [self._all()]
        while self.accept("OR"):
            parts.append(self._all())
        return lambda *given: any(part(*given) for part in parts)

    def change(self, clause: str) -> Change:
        path = self._next()
        if clause == "REMOVE":
            return lambda new, _, __, names: void(new.pop(names.get(path, path), None))
        if clause == "SET":
            self._expect("=")
            return self._set(path, self._sum())
        return self._add(path, self._next(), -1 if clause == "DELETE" else 1)

    def _set(self, path: str, value: Operand) -> Change:
        def change(new: Item, old: Item, values: Values, names: Names) -> None:
            found = value(old, values, names)
            new[names.get(path, path)] = {"N": str(found)} if isinstance(found, int) else found

        return change

    def _add(self, path: str, value: str, sign: int) -> Change:
        def change(new: Item, old: Item, values: Values, _: Names) -> None:
            ((kind, given),) = values[value].items()
            before = plain(old.get(path))
            if kind == "N":
                new[path] = {"N": str((before or 0) + sign * int(given))}
                return
            members = (before or frozenset()) | set(given) if sign > 0 else (before or frozenset()) - set(given)
            new.pop(path, None)
            if members:
                new[path] = {kind: sorted(members)}

        return change

    def _sum(self) -> Operand:
        """A value as an attribute, or the sum of two as a number."""
        first = self._attribute()
        if not self.accept("+"):
            return first
        second = self._attribute()
        return lambda *given: plain(first(*given)) + plain(second(*given))

    def _attribute(self) -> Operand:
        name = self._next()
        if name == "if_not_exists":
            self._expect("(")
            path = self._attribute()
            self._expect(",")
            default = self._attribute()
            self._expect(")")
            return lambda *given: found if (found := path(*given)) is not None else default(*given)
        if name.startswith(":"):
            return lambda _, values, __: values[name]
        return lambda item, _, names: item.get(names.get(name, name))

    def _all(self) -> Operand:
        parts = [self._one()]
        while self.accept("AND"):
            parts.append(self._one())
        return lambda *given: all(part(*given) for part in parts)

    def _one(self) -> Operand:
        if self.accept("NOT"):
            part = self._one()
            return lambda *given: not part(*given)
        if self.accept("("):
            inner = self.either()
            self._expect(")")
            return inner
        if function := self.accept("attribute_exists", "attribute_not_exists", "contains", "begins_with"):
            return self._function(function)
        return self._comparison()

    def _function(self, name: str) -> Operand:
        arguments = self._arguments()
        if name.startswith("attribute"):
            (path,), wanted = arguments, name == "attribute_exists"
            return lambda *given: (path(*given) is not None) is wanted
        whole, part = arguments
        if name == "begins_with":
            return lambda *given: str(plain(whole(*given))).startswith(plain(part(*given)))
        return lambda *given: (found := plain(whole(*given))) is not None and plain(part(*given)) in found

    def _comparison(self) -> Operand:
        if self.accept("size"):
            (path,) = self._arguments()
            left: Operand = lambda *given: len(found) if (found := plain(path(*given))) is not None else None  # noqa: E731
        else:
            read = self._attribute()
            left = lambda *given: plain(read(*given))  # noqa: E731
        if self.accept("BETWEEN"):
            low = self._attribute()
            self._expect("AND")
            high = self._attribute()
            return lambda *given: plain(low(*given)) <= left(*given) <= plain(high(*given))
        if self.accept("IN"):
            members = self._arguments()
            return lambda *given: left(*given) in {plain(member(*given)) for member in members}
        order, right = _ORDER[self._next()], self._attribute()
        return lambda *given: (found := left(*given)) is not None and order(found, plain(right(*given)))

    def _arguments(self) -> list[Operand]:
        self._expect("(")
        arguments = [self._attribute()]
        while self.accept(","):
            arguments.append(self._attribute())
        self._expect(")")
        return arguments

    def _expect(self, token: str) -> None:
        if self._next() != token:
            raise ValueError(f"expected {token}: {self._tokens}")

    def _next(self) -> str:
        self._at += 1
        return str(self._tokens[self._at - 1])


def void(_: object) -> None:
    """Return nothing, whatever was returned."""
