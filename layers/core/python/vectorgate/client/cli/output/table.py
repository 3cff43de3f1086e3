"""A table: with a rule and bold headings on a terminal; with spaces alone elsewhere, where nothing is cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TextIO

from vectorgate.client.cli.output.columns import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.client.cli.output.columns import Column

WIDE: Final = 10_000  # characters, where there is no terminal
LEAST: Final = 12  # of a cell that is cut or folded: a token can be named by fewer
GAP: Final = 3  # between two columns on a terminal


def table(columns: Sequence[Column], lines: Sequence[Sequence[str]], out: TextIO, *, heading: bool = True) -> None:
    """Write a table of these lines. On a terminal that is too narrow for it, lines go on below."""
    from rich import box  # noqa: PLC0415 - 70 ms that no other format pays
    from rich.console import Console  # noqa: PLC0415 - the same
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    terminal = out.isatty()
    console = Console(file=out, width=None if terminal else WIDE, highlight=False, markup=False, emoji=False)
    widths = _fitting(columns, lines, console.width)
    console.width = max(console.width, sum(widths) + GAP * len(widths))
    shown = Table(box=box.SIMPLE_HEAD if terminal and heading else None, show_header=heading, pad_edge=False)
    for column, width in zip(columns, widths, strict=True):
        shown.add_column(
            column.title,
            justify="right" if column.is_number else "left",
            no_wrap=column.kind is not Kind.TEXT,
            overflow="fold" if column.kind is Kind.TEXT else "ellipsis",
            width=width,
        )
    for line in lines:
        shown.add_row(*map(Text, line))
    with console.capture() as written:
        console.print(shown)
    out.write("".join(f"{line.rstrip()}\n" for line in written.get().splitlines()))


def _fitting(columns: Sequence[Column], lines: Sequence[Sequence[str]], width: int) -> list[int]:
    """The columns' widths in characters: the widest that may be cut or folded are made narrower, as far as needed."""
    from rich.cells import cell_len  # noqa: PLC0415 - see table

    titles = [column.title for column in columns]
    widths = [max(map(cell_len, cells)) for cells in zip(titles, *lines, strict=True)]
    excess = sum(widths) + GAP * len(widths) - width
    flexible = [at for at, column in enumerate(columns) if column.kind in {Kind.LONG, Kind.TEXT}]
    for at in sorted(flexible, key=lambda at: (columns[at].kind is Kind.TEXT, -widths[at])):
        cut = max(0, min(excess, widths[at] - LEAST))
        widths[at] -= cut
        excess -= cut
    return widths
