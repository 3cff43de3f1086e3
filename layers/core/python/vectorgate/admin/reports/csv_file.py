"""CSV files (RFC 4180), which no spreadsheet takes for formulas."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import Body, Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_FORMULA: Final = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets take the wide forms, too


class _Lines:
    """What a writer writes to."""

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, line: str) -> None:
        self.written.append(line)


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """The file: a header, and a line for each row, each ended by CR LF. Text that begins as a formula gets a `'`."""
    lines = _Lines()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(_without_formulas([*rows]))
    return "".join(lines.written)


def _without_formulas(rows: list[Sequence[object]]) -> list[Sequence[object]]:
    texts = {value for row in rows for value in row if type(value) is str}  # few, each in many rows
    quoted = {text: f"'{text}" for text in texts if text.lstrip().startswith(_FORMULA)}
    return [[quoted.get(str(value), value) for value in row] for row in rows] if quoted else rows


def download(text: str, name: str, content_type: str) -> Response:
    """The answer that a browser saves as a file."""
    headers = {
        "content-type": content_type,
        "cache-control": "no-store",
        "content-disposition": f'attachment; filename="{name}"',
    }
    return Response(status=200, headers=headers, body=Body.of(text.encode()))
