"""`vectorgate demo`: a year of records for local mode, written by the process `local.demo_year` of a clone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from vectorgate.client.cli.commands import command
from vectorgate.client.cli.exits import USAGE, Failure
from vectorgate.client.cli.output import Column, Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vectorgate.client.cli.session import Session

MODULE: Final = "local.demo_year"
SOURCE: Final = Path("layers/core/python")  # in a clone
HOME: Final = Path(".vectorgate/demo-year")
MADE: Final = (
    Column("folder", "folder"),
    Column("days", "days", Kind.NUMBER),
    Column("records", "records", Kind.NUMBER),
)


@command("demo", example="vectorgate demo --calls 20000", gateway=False)
@click.option("--home", type=click.Path(path_type=Path), default=HOME, show_default=True, help="A new data folder.")
@click.option("--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="Up to today.")
@click.option("--calls", type=click.IntRange(0), default=50_000, show_default=True, help="In all, about.")
@click.option("--records-only", is_flag=True, help="Make no stores of today, which takes the embedded engine.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed gives the same year.")
def demo(session: Session, /, home: Path, *, days: int, calls: int, seed: int, records_only: bool) -> None:
    """Write a year of teams, keys, calls and storage, and some stores, for local mode to show. It needs a clone."""
    if not (SOURCE / "vectorgate").is_dir() or not Path(*MODULE.split(".")).is_dir():
        raise Failure("the demo is in a clone of the repository: run it there", USAGE)
    arguments = [
        "--days",
        str(days),
        "--calls",
        str(calls),
        "--seed",
        str(seed),
        *(["--records-only"] if records_only else []),
    ]
    records = [*session.counted(_written(home, arguments), "days", days)]
    session.show_one({"folder": str(home), "days": days, "records": records[-1]}, MADE)
    session.say(f"Serve it: VECTORGATE_HOME={home} make run")


def _written(home: Path, arguments: list[str]) -> Iterator[int]:
    """Run the process; after each day, the number of records so far. Failure says why it ended."""
    environment = {"PYTHONPATH": f"{SOURCE}:.", "VECTORGATE_HOME": str(home)}
    command = [sys.executable, "-m", MODULE, *arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=environment, stdout=pipe, stderr=pipe, text=True) as process:  # noqa: S603 - ours
        if process.stdout is None or process.stderr is None:
            raise Failure("the process has no output")
        yield from map(int, process.stdout)
        said = process.stderr.read().strip().removeprefix("vectorgate: ")
    if process.returncode:
        raise Failure(said or f"{MODULE} ended with {process.returncode}")
