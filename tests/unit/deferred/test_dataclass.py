"""A deferred dataclass is the standard library's, but for when its methods are made, and that mypy alone freezes it."""

from __future__ import annotations

import copy
import dataclasses
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectorgate.deferred.dataclass import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS = st.fixed_dictionaries({"frozen": st.booleans(), "kw_only": st.booleans(), "order": st.booleans()})
FACTORY = object()
USUAL: Any = dataclasses.dataclass
OURS: Any = dataclass
ACTIONS: dict[str, Callable[[Any], object]] = {
    "repr": repr,
    "eq": lambda one: (one == copy.copy(one), one == object(), one != copy.deepcopy(one)),
    "hash": hash,
    "replace": lambda one: repr(dataclasses.replace(one, field_0=7)),
    "order": lambda one: (one <= copy.copy(one), one > copy.copy(one)),
    "fields": lambda one: [each.name for each in dataclasses.fields(type(one))],
    "values": dataclasses.astuple,
}


def written(defaults: list[object]) -> type:
    """A class as it is written: a field for each default, or without one for None."""
    names = [f"field_{number}" for number in range(len(defaults))]
    values = {
        name: dataclasses.field(default_factory=list) if default is FACTORY else default
        for name, default in zip(names, defaults, strict=True)
        if default is not None
    }
    return type("Written", (), {"__annotations__": dict.fromkeys(names, "object"), "size": len, **values})


def outcome(act: Callable[[], object]) -> object:
    """What it returns, or the text of the TypeError that it raises."""
    try:
        return act()
    except TypeError as error:
        return f"TypeError: {error}"


def outcomes(kind: Any, values: list[int], *, named: bool, first: str) -> list[object]:
    """What becomes of an instance, and of each action on it, `first` before all others."""
    names = {f"field_{number}": value for number, value in enumerate(values)}
    made = outcome(partial(kind, **names) if named else partial(kind, *values))
    return [made] if isinstance(made, str) else [outcome(partial(ACTIONS[name], made)) for name in (first, *ACTIONS)]


@settings(max_examples=60, deadline=None)
@given(
    options=OPTIONS,
    defaults=st.tuples(st.lists(st.none(), max_size=3), st.lists(st.sampled_from([0, "x", FACTORY]), max_size=3)),
    values=st.lists(st.integers(0, 2), max_size=6),
    named=st.booleans(),
    first=st.sampled_from(sorted(ACTIONS)),
)
def test_it_does_what_the_standard_librarys_does(
    options: dict[str, bool], defaults: tuple[list[None], list[object]], values: list[int], *, named: bool, first: str
) -> None:
    fields = [*defaults[0], *defaults[1]]
    usual, ours = (make(slots=True, **options)(written(fields)) for make in (USUAL, OURS))
    assert outcomes(ours, values, named=named, first=first) == outcomes(usual, values, named=named, first=first)


def test_methods_that_the_class_has_are_kept() -> None:
    @dataclass(frozen=True, slots=True)
    class Masked:
        secret: str

        def __repr__(self) -> str:
            return f"Masked({len(self.secret)})"

    assert repr(Masked("abc")) == "Masked(3)"
    assert {Masked("abc"), Masked("abc")} == {Masked("abc")}


def test_it_is_matched_by_position() -> None:
    @dataclass(frozen=True, slots=True)
    class Pair:
        left: int
        right: int

    match Pair(1, 2):
        case Pair(left, right):
            assert (left, right) == (1, 2)
        case _:
            pytest.fail("the pair was not matched")


def test_it_has_slots() -> None:
    @dataclass(slots=True)
    class Counter:
        count: int = 0

    counter = Counter()
    counter.count += 1
    assert (counter.count, Counter().count) == (1, 0)
    with pytest.raises(AttributeError):
        counter.other = 1  # type: ignore[attr-defined]


def test_no_method_is_made_before_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    def recorded(**options: bool) -> object:
        made.append(options)
        return USUAL(**options)

    monkeypatch.setattr(dataclasses, "dataclass", recorded)

    @dataclass(frozen=True, slots=True)
    class Point:
        x: int

    assert made == []
    assert [Point(1), Point(2)] == [Point(1), Point(2)]
    assert len(made) == 2
