"""How far a reader goes to follow one minimal create on SQLite: calls, files entered, moves between files, returns."""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import vectorgate
from tests.harnesses.gateway import GatewayHarness

if TYPE_CHECKING:
    from types import FrameType

PACKAGE = str(Path(vectorgate.__file__).parent) + "/"
SECRET = "sk-" + "a" * 32  # of a harness in memory


def report() -> list[str]:
    """Return the lines to print.

    A move is a call into another file than the call before; a return is a move into a file that was entered earlier.
    """
    called = traced_create()
    moves = [here for before, here in pairwise(called) if before != here]
    files = list(dict.fromkeys(called))
    returns = len(moves) + 1 - len(files)
    return [f"{len(called)} calls, {len(files)} files, {len(moves)} moves, {returns} returns", *files]


def traced_create() -> list[str]:
    """The file of each function of the package that the second create enters, in order."""
    called: list[str] = []

    def record(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(PACKAGE):
            called.append(frame.f_code.co_filename.removeprefix(PACKAGE))

    with GatewayHarness() as harness:
        harness.key(SECRET)
        harness.api(_EVENT, None)
        sys.setprofile(record)
        try:
            harness.api(_EVENT, None)
        finally:
            sys.setprofile(None)
    return called


_EVENT = {
    "rawPath": "/v1/vector_stores",
    "headers": {"authorization": f"Bearer {SECRET}", "content-type": "application/json"},
    "requestContext": {"http": {"method": "POST"}},
    "body": '{"name": "x"}',
    "isBase64Encoded": False,
}
