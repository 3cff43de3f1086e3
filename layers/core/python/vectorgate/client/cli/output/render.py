"""The three formats. A table is written when its last row is there; JSON and CSV row by row, however many there are."""

from __future__ import annotations

import csv
import json
from enum import Enum
from typing import TYPE_CHECKING, Final, TextIO

from vectorgate.client.cli.output.columns import Column, Kind, csv_cell
from vectorgate.client.cli.output.table import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vectorgate.client.cli.output.columns import Row

_ONE: Final = (Column("", "field"), Column("", "value", Kind.ID))  # of an object
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
            table(columns, [_texts(row, columns) for row in rows], out)


def show_one(row: Row, columns: Sequence[Column], chosen: Format, out: TextIO) -> None:
    """Write one object: a line for each column that has a value, its JSON, or CSV with one row."""
    if chosen is Format.JSON:
        out.write(json_text(row, indent=2) + "\n")
    elif chosen is Format.CSV:
        _csv([row], columns, out)
    else:
        filled = [(each.title, each.text(row)) for each in columns if each.value(row) is not None]
        table(_ONE, filled, out, heading=False)


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
