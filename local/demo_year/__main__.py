"""`python -m local.demo_year` (`--help`): a year of records into VECTORGATE_HOME, which must be empty.

Standard output gets a line for each day: the number of records so far.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
from pathlib import Path
from typing import Final

from local.demo_year.present import make_present
from local.demo_year.year import DAYS, Year
from local.home import locked
from local.mistakes import CannotStart, one_line
from local.provider_settings import OPENAI
from local.settings import ROOT
from vectorgate.bootstrap import price_book, system_clock
from vectorgate.client.errors import VectorGateError
from vectorgate.clock import Random
from vectorgate.persistence.sqlite import Database, stores_on
from vectorgate.store_errors import StoreError

CALLS: Final = 50_000


def main() -> None:
    """Write the year. A mistake of the operator is one line, and exit status 1."""
    parser = argparse.ArgumentParser(prog="python -m local.demo_year", description="Write a year of records.")
    parser.add_argument("--days", type=int, default=DAYS, help="up to today (default %(default)s)")
    parser.add_argument("--calls", type=int, default=CALLS, help="in all, about (default %(default)s)")
    parser.add_argument("--records-only", action="store_true", help="make no stores of today")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same year (default %(default)s)")
    given = parser.parse_args()
    home = Path(os.environ.get("VECTORGATE_HOME") or ROOT / ".vectorgate/demo-year").absolute()
    try:
        with locked(home):
            _write(home, given)
    except (CannotStart, StoreError, VectorGateError) as mistake:
        sys.exit(f"vectorgate: {one_line(mistake)}")


def _write(home: Path, given: argparse.Namespace) -> None:
    clock = system_clock()
    stores = stores_on(Database(str(home / "ledger.db")))
    if next(iter(stores.keys.all_keys()), None) is not None:
        raise CannotStart(f"{home} has keys and records: name another folder, or delete it")
    year = Year(
        stores=stores,
        book=price_book(None),
        provider=OPENAI,
        randomness=Random(random.Random(given.seed).getrandbits),  # noqa: S311 - a demonstration, the same each time
        now=clock.unix_s(),
        calls=given.calls,
        days=given.days,
    )
    for records in year.written():
        sys.stdout.write(f"{records}\n")
        sys.stdout.flush()
    stores.close()
    if not given.records_only:
        make_present(home)


if __name__ == "__main__":
    main()
