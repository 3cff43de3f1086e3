"""Our `dataclass` makes what the standard library's makes, but for the check at run time that nothing is set."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import TYPE_CHECKING, Any, Final

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
