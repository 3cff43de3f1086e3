"""`make fuzz INPUTS=1000000 PROCESSES=2 SEED=0`: hostile inputs of every handler, by the count.

HTTP events of every operation of the reference, payloads of invoke, batches of the queues and of the stream, and the
schedule's event, each damaged at random. Prints every finding with its seed, and ends with status 1 if there are any.
`AT=<seed>`: that input alone, with its traceback.
"""

from __future__ import annotations

import logging
import random
import sys
import time
import traceback
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from tests.fuzz.handlers import Handlers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.fuzz.handlers import FuzzedHandler

DEFAULTS: Final = {"INPUTS": "20000", "PROCESSES": "1", "SEED": "0", "AT": ""}
RENEWED_AFTER: Final = 2_000  # inputs: rows pile up in the stores
SHOWN: Final = 20  # findings


@dataclass
class Findings:
    """What a share of the inputs came to."""

    inputs: Counter[str] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)


def share(first: int, count: int) -> Findings:
    """Hand over so many inputs, of one seed each."""
    logging.disable(logging.CRITICAL)
    findings = Findings()
    handlers = Handlers()
    for seed in range(first, first + count):
        if seed % RENEWED_AFTER == 0:
            handlers.close()
            handlers = Handlers()
        name, problem = handed_over(handlers, seed)
        findings.inputs[name] += 1
        if problem is not None:
            findings.found.append(f"AT={seed} {name}: {problem}")
    handlers.close()
    return findings


def handed_over(handlers: Handlers, seed: int, *, aloud: bool = False) -> tuple[str, str | None]:
    """Make the input of a seed and hand it over: the handler's name, and what is wrong."""
    rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
    (handler,) = rng.choices(handlers.all, [each.weight for each in handlers.all])
    handlers.forget()
    given = handler.made(rng)
    if aloud:
        sys.stdout.write(f"{handler.name}: {given!r}\n")
    return handler.name, _problem(handlers, handler, given, aloud=aloud)


def _problem(handlers: Handlers, handler: FuzzedHandler, given: Any, *, aloud: bool) -> str | None:
    try:
        problem = handler.give(given)
    except Exception as error:  # noqa: BLE001 - whatever leaves a handler is a finding
        if aloud:
            traceback.print_exc()
        return f"{type(error).__name__}: {str(error)[:200]} {_place(error)}"
    if handlers.telemetry.errors:
        defect = handlers.telemetry.errors[0]
        if aloud:
            traceback.print_exception(defect)
        return f"reported {type(defect).__name__}: {str(defect)[:200]} {_place(defect)}"
    return problem


def _place(error: BaseException) -> str:
    last = traceback.extract_tb(error.__traceback__)[-1:]
    return "".join(f"{each.filename.rpartition('/vectorgate/')[2]}:{each.lineno}" for each in last)


def main(words: Sequence[str]) -> int:
    """Fuzz, and print what was found."""
    given = DEFAULTS | dict(word.split("=", 1) for word in words)
    if given["AT"]:
        return handed_over(Handlers(), int(given["AT"]), aloud=True)[1] is not None
    inputs, processes, seed = (int(given[name]) for name in ("INPUTS", "PROCESSES", "SEED"))
    began, each = time.monotonic(), -(-inputs // processes)
    starts = [seed + number * each for number in range(processes)]
    with ProcessPoolExecutor(processes) as pool:
        shares = list(pool.map(share, starts, [min(each, seed + inputs - start) for start in starts]))
    found = [line for each_share in shares for line in each_share.found]
    counts = sum((each_share.inputs for each_share in shares), Counter[str]())
    sys.stdout.writelines(f"{line}\n" for line in found[:SHOWN])
    seconds = time.monotonic() - began
    by_handler = " ".join(f"{name.replace(' ', '_')}={count}" for name, count in sorted(counts.items()))
    sys.stdout.write(f"inputs={counts.total()} findings={len(found)} seconds={seconds:.0f} {by_handler}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
