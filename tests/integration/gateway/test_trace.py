"""A create can be followed: through few files, and seldom back into one that was left."""

from __future__ import annotations

from itertools import pairwise

from tests.benchmarks.trace import traced_create

MOST_FILES, MOST_MOVES = 20, 113  # half of what release 0.1.0 had


def test_a_create_enters_at_most_twenty_files_and_moves_between_them_half_as_often_as_once() -> None:
    called = traced_create()
    moves = sum(before != here for before, here in pairwise(called))
    assert len(set(called)) <= MOST_FILES, sorted(set(called))
    assert moves <= MOST_MOVES
