"""Writes that the disk refused: done in their order as soon as they can be, and given up where the ledger refuses."""

from __future__ import annotations

import pytest

from local.kept_writes import KeptWrites
from vectorgate.store_errors import AlreadyExists, StateConflict, StoreUnavailable


def test_what_is_kept_is_written_in_its_order_once_the_disk_takes_it() -> None:
    kept, done, full = KeptWrites(), [], [True]

    def write(number: int) -> None:
        if full[0]:
            raise StoreUnavailable("full")
        done.append(number)

    for number in range(3):
        kept.keep(lambda number=number: write(number))  # type: ignore[misc]
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            kept.write()
        kept.try_to_write()
    full[0] = False
    kept.write()
    kept.write()
    assert done == [0, 1, 2]


@pytest.mark.parametrize("error", [StateConflict("row"), AlreadyExists("ownership"), ValueError("64 bits")])
def test_what_the_ledger_refuses_keeps_no_other_from_being_written(error: Exception) -> None:
    kept, done = KeptWrites(), []

    def refused() -> None:
        raise error

    kept.keep(refused)
    kept.keep(lambda: done.append(1))
    if isinstance(error, ValueError):
        with pytest.raises(ValueError, match="64 bits"):  # a defect, which the thread reports
            kept.write()
    kept.write()
    assert done == [1]
