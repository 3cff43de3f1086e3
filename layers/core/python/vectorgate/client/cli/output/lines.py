"""Rows that come one at a time: as lines of fixed columns, JSON lines, or CSV."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final, TextIO

from vectorgate.client.cli.output.columns import csv_cell
from vectorgate.client.cli.output.render import Format, json_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.client.cli.output.columns import Column, Row

LEAST: Final = 8  # characters of a column; a longer cell moves those behind it


class Lines:
    """Writes each row when it is there. The headings are the first line."""

    def __init__(self, columns: Sequence[Column], chosen: Format, out: TextIO) -> None:
        self._columns = columns
        self._format = chosen
        self._out = out
        self._csv = csv.writer(out, lineterminator="\n")
        self._widths = [max(LEAST, len(column.title)) for column in columns]
        titles = [column.title for column in columns]
        if chosen is Format.CSV:
            self._csv.writerow(titles)
        elif chosen is Format.TABLE:
            self._line(titles)

    def write(self, row: Row) -> None:
        """Write a row."""
        if self._format is Format.JSON:
            self._out.write(json_text(row) + "\n")
        elif self._format is Format.CSV:
            self._csv.writerow([csv_cell(column.value(row)) for column in self._columns])
        else:
            self._line([column.text(row) for column in self._columns])

    def _line(self, cells: Sequence[str]) -> None:
        self._widths = [max(width, len(cell)) for width, cell in zip(self._widths, cells, strict=True)]
        padded = [
            cell.rjust(width) if column.is_number else cell.ljust(width)
            for cell, width, column in zip(cells, self._widths, self._columns, strict=True)
        ]
        self._out.write("  ".join(padded).rstrip() + "\n")
