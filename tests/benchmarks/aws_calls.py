"""The calls of AWS that a create makes, by name, and the write units that they cost."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.harnesses.dynamodb_gateway import dynamodb_gateway
from vectorgate.ledger.settlement import settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.harnesses.dynamodb_gateway import DynamoDbGateway
    from vectorgate.api.http import Response


def report() -> list[str]:
    """Return the lines to print: the cheapest create, and the reference page's with two files, key and team budgets."""
    with dynamodb_gateway() as harness:
        return [
            *_second_of(harness, "a name", harness.create),
            *_second_of(harness, "the page's, funded", harness.create_of_reference_page),
        ]


def _second_of(harness: DynamoDbGateway, what: str, create: Callable[[], Response]) -> list[str]:
    """Count the second such create, which finds key, limits and secret cached, and its settlement."""
    create()
    harness.settlement.settle_waiting(10)
    calls, units = Counter(harness.recorder.calls), harness.recorder.write_units
    create()
    done = _line(f"{what}: create", harness.recorder.calls - calls, harness.recorder.write_units - units)
    answered = harness.settlement.ledger.answered(10)
    calls, units = Counter(harness.recorder.calls), harness.recorder.write_units
    settle(answered, harness.settlement.ledger, harness.settlement.book)
    return [done, _line(f"{what}: settle", harness.recorder.calls - calls, harness.recorder.write_units - units)]


def _line(step: str, calls: Counter[str], units: int) -> str:
    named = ", ".join(f"{count} {name}" for name, count in sorted(calls.items()))
    return f"{step + ':':30}{named}; {units} write units"
