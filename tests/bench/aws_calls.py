"""What a create asks of AWS: calls by name, and the write units that they cost."""

from __future__ import annotations

from collections import Counter

from tests.support.on_dynamo import counted
from vectorgate.ledger.settle import settle


def report() -> list[str]:
    """Lines to print: the second create, which finds key and secret cached, and its booking."""
    with counted() as whole:
        whole.create()
        whole.bookkeeper.settle_waiting(10)
        calls, units = Counter(whole.recorder.calls), whole.recorder.write_units
        whole.create()
        lines = [_line("begin and conclude", whole.recorder.calls - calls, whole.recorder.write_units - units)]
        answered = whole.bookkeeper.ledger.answered(10)
        calls, units = Counter(whole.recorder.calls), whole.recorder.write_units
        settle(answered, whole.bookkeeper.ledger, whole.bookkeeper.book)
        return [*lines, _line("settle, alone", whole.recorder.calls - calls, whole.recorder.write_units - units)]


def _line(step: str, calls: Counter[str], units: int) -> str:
    named = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()))
    return f"{step + ':':24}{named}; {units} write units"
