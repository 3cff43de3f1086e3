"""Our `dataclass` makes what the standard library's makes, but for the check at run time that nothing is set."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vectorgate import classes

if TYPE_CHECKING:
    from collections.abc import Callable

OPTIONS: Final = {"frozen": True, "slots": True, "kw_only": True, "order": True}
VALUES: Final = st.fixed_dictionaries({"name": st.text(max_size=1), "size": st.integers(0, 1), "note": st.text()})


def made_by(decorator: Callable[..., Any], **options: bool) -> Any:
    class Pair:
        """Two values, and one that makes no difference."""

        name: str
        size: int = 0
        note: str = dataclasses.field(default="", compare=False, repr=False)

        @property
        def doubled(self) -> int:
            return 2 * self.size

    return decorator(**options)(Pair)


def made_of_two_by(decorator: Callable[..., Any]) -> Any:
    @decorator(slots=True)
    class First:
        """Arguments by place, one of which is made."""

        name: str
        tags: list[str] = dataclasses.field(default_factory=list)

    @decorator(slots=True, kw_only=True)
    class Second(First):
        """Its own by name only."""

        size: int
        notes: dict[str, str] = dataclasses.field(default_factory=dict)

        def doubled(self) -> int:
            return 2 * self.size

    return Second


@classes.dataclass(frozen=True, slots=True)
class Hidden:
    """A class with a method that is made for others."""

    text: str

    def __repr__(self) -> str:
        return "Hidden(...)"


@classes.dataclass(frozen=True, slots=True)
class Nothing:
    """A class without fields."""


@given(VALUES, VALUES)
@settings(max_examples=30)
def test_an_instance_is_the_standard_librarys(first: dict[str, Any], second: dict[str, Any]) -> None:
    ours, theirs = made_by(classes.dataclass, **OPTIONS), made_by(dataclasses.dataclass, **OPTIONS)
    one, other = ours(**first), ours(**second)
    expected, another = theirs(**first), theirs(**second)
    assert repr(one) == repr(expected)
    assert (one == other, one < other, one >= other) == (expected == another, expected < another, expected >= another)
    assert (hash(one) == hash(other)) == (hash(expected) == hash(another))
    assert dataclasses.asdict(one) == dataclasses.asdict(expected) == first
    assert dataclasses.replace(one, **second) == other
    assert one.doubled == expected.doubled
    assert (one == expected, one == first) == (False, False)


def test_only_a_frozen_class_can_be_hashed() -> None:
    assert made_by(classes.dataclass, slots=True).__hash__ is None
    assert {Nothing(): 1}[Nothing()] == 1


def test_a_classs_own_method_stays_and_its_instances_are_copied() -> None:
    hidden = Hidden("secret")
    assert repr(hidden) == "Hidden(...)"
    assert copy.deepcopy(hidden) == pickle.loads(pickle.dumps(hidden)) == hidden != Hidden("other")  # noqa: S301 - ours
    assert not hasattr(hidden, "__dict__")


def test_a_class_has_the_fields_the_arguments_and_the_values_of_the_standard_librarys_bases_included() -> None:
    ours, theirs = made_of_two_by(classes.dataclass), made_of_two_by(dataclasses.dataclass)
    assert [repr(each) for each in dataclasses.fields(ours)] == [repr(each) for each in dataclasses.fields(theirs)]
    given, expected = (dict(inspect.signature(each).parameters) for each in (ours, theirs))
    assert [(each.name, each.kind) for each in given.values()] == [(each.name, each.kind) for each in expected.values()]
    assert (ours.__match_args__, ours.__slots__) == (theirs.__match_args__, theirs.__slots__)
    one, other = ours("a", size=1), ours("a", ["b"], size=2, notes={})
    assert repr(other) == repr(theirs("a", ["b"], size=2, notes={}))
    assert (one.tags, one.notes, other.doubled()) == ([], {}, 4)
    assert one.tags is not ours("a", size=1).tags


def test_a_missing_and_an_unknown_argument_are_named_as_by_the_standard_library() -> None:
    ours, theirs = made_of_two_by(classes.dataclass), made_of_two_by(dataclasses.dataclass)
    for positional, named in ((("a",), {}), ((), {"size": 1}), (("a",), {"size": 1, "colour": 2}), (("a", [], 1), {})):
        messages = []
        for each in (ours, theirs):
            with pytest.raises(TypeError) as refused:
                each(*positional, **named)
            messages.append(str(refused.value).replace("made_of_two_by.<locals>.", ""))
        assert messages[0] == messages[1]
