"""The three formats. A table is written when its last row is there; JSON and CSV row by row, however many there are."""

from __future__ import annotations

import csv
import json
from enum import Enum
from typing import TYPE_CHECKING, Final, TextIO

from vectorgate.client.cli.output.columns import Kind, csv_cell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vectorgate.client.cli.output.columns import Column, Row

WIDE: Final = 10_000  # characters, of a table that is not on a terminal: nothing is cut
_CONTROL: Final = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}  # which JSON leaves as they are


class Format(Enum):
    """How rows are written."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


def show(rows: Iterable[Row], columns: Sequence[Column], chosen: Format, out: TextIO) -> None:
    """Write rows: as a table of the columns, as a JSON array of whole objects, or as CSV of the columns."""
    match chosen:
        case Format.JSON:
            _array(rows, out)
        case Format.CSV:
            _csv(rows, columns, out)
        case Format.TABLE:
            _table([column.title for column in columns], [_texts(row, columns) for row in rows], columns, out)


def show_one(row: Row, columns: Sequence[Column], chosen: Format, out: TextIO) -> None:
    """Write one object: a line for each column that has a value, its JSON, or CSV with one row."""
    if chosen is Format.JSON:
        out.write(json_text(row, indent=2) + "\n")
    elif chosen is Format.CSV:
        _csv([row], columns, out)
    else:
        filled = [(each.title, each.text(row)) for each in columns if each.value(row) is not None]
        _table([], [list(line) for line in filled], (), out)


def json_text(row: Row, indent: int | None = None) -> str:
    """The object as JSON, without characters that a terminal obeys."""
    names = row.keys()
    return json.dumps({name: row[name] for name in names}, ensure_ascii=False, indent=indent).translate(_CONTROL)


def _texts(row: Row, columns: Sequence[Column]) -> list[str]:
    return [column.text(row) for column in columns]


def _array(rows: Iterable[Row], out: TextIO) -> None:
    before = "["
    for row in rows:
        out.write(f"{before}\n{json_text(row)}")
        before = ","
    out.write("[]\n" if before == "[" else "\n]\n")


def _csv(rows: Iterable[Row], columns: Sequence[Column], out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([column.title for column in columns])
    for row in rows:
        writer.writerow([csv_cell(column.value(row)) for column in columns])


def _table(titles: Sequence[str], lines: Sequence[Sequence[str]], columns: Sequence[Column], out: TextIO) -> None:
    """With rules and colours on a terminal, with spaces alone elsewhere."""
    from rich import box  # noqa: PLC0415 - 70 ms that no other format pays
    from rich.console import Console  # noqa: PLC0415 - the same
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    terminal = out.isatty()
    table = Table(box=box.SIMPLE_HEAD if terminal and titles else None, show_header=bool(titles), pad_edge=False)
    for title, column in zip(titles, columns, strict=True):
        cut = column.kind is Kind.LONG and terminal
        table.add_column(
            title, justify="right" if column.is_number else "left", overflow="ellipsis" if cut else "fold", no_wrap=cut
        )
    for line in lines:
        table.add_row(*map(Text, line))
    console = Console(file=out, width=None if terminal else WIDE, highlight=False, markup=False, emoji=False)
    with console.capture() as written:
        console.print(table)
    out.write("".join(f"{line.rstrip()}\n" for line in written.get().splitlines()))
