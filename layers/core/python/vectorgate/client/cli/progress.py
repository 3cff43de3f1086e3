"""A bar or a count on standard error while something takes long; nothing where that is no terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TextIO

T = TypeVar("T")


def counted(items: Iterable[T], what: str, err: TextIO, total: int | None = None) -> Iterator[T]:
    """The items, with their number so far on a terminal, and a bar where the `total` is known."""
    if not err.isatty():
        yield from items
        return
    from rich.console import Console  # noqa: PLC0415 - not needed off a terminal
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn  # noqa: PLC0415 - same

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(file=err), transient=True) as progress:
        yield from progress.track(items, total=total, description=what)
