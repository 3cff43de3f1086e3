"""`make bench`: every figure that the documents give. Compare figures of one run only: times depend on the machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.benchmarks import (
    answers,
    aws_calls,
    beside_litellm,
    cold_start,
    contention,
    cost,
    egress,
    engine,
    overhead,
    paraphrases,
    reports,
    retrieval,
    sdk,
    sharing,
    stages,
    streams,
    trace,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SECTIONS: dict[str, Callable[[], Iterable[str]]] = {
    "overhead": overhead.report,
    "beside_litellm": beside_litellm.report,
    "answers": answers.report,
    "sharing": sharing.report,
    "stages": stages.report,
    "egress": egress.report,
    "aws_calls": aws_calls.report,
    "cost": cost.report,
    "contention": contention.report,
    "cold_start": cold_start.report,
    "cold_start_instructions": cold_start.instructions,
    "engine": engine.report,
    "reports": reports.report,
    "retrieval": retrieval.report,
    "paraphrases": paraphrases.report,
    "sdk": sdk.report,
    "streams": streams.report,
    "trace": trace.report,
}


def main() -> None:
    """Print the sections named on the command line, or all of them."""
    for name in sys.argv[1:] or SECTIONS:
        sys.stdout.write(f"== {name}\n" + "".join(f"{line}\n" for line in SECTIONS[name]()))
        sys.stdout.flush()


if __name__ == "__main__":
    main()
