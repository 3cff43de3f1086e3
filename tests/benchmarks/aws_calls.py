"""What a create asks of AWS: calls by name, and the write units that they cost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.harnesses.dynamodb_gateway import counted
from vectorgate.ledger.settlement import settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.dynamodb_gateway import Counted
    from vectorgate.api.http import Response


def report() -> list[str]:
    """Lines to print: the cheapest create, and the reference page's with two files by a key and team with budgets."""
    with counted() as whole:
        return [
            *_second_of(whole, "a name", whole.create),
            *_second_of(whole, "the page's, funded", whole.create_as_the_page_does),
        ]


def _second_of(whole: Counted, what: str, create: Callable[[], Response]) -> list[str]:
    """The second such create, which finds key, limits and secret cached, and its booking."""
    create()
    whole.settlement.settle_waiting(10)
    calls, units = Counter(whole.recorder.calls), whole.recorder.write_units
    create()
    done = _line(f"{what}: create", whole.recorder.calls - calls, whole.recorder.write_units - units)
    answered = whole.settlement.ledger.answered(10)
    calls, units = Counter(whole.recorder.calls), whole.recorder.write_units
    settle(answered, whole.settlement.ledger, whole.settlement.book)
    return [done, _line(f"{what}: settle", whole.recorder.calls - calls, whole.recorder.write_units - units)]


def _line(step: str, calls: Counter[str], units: int) -> str:
    named = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()))
    return f"{step + ':':30}{named}; {units} write units"
