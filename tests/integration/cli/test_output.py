"""The three formats: exact for programs, and harmless for terminals and spreadsheets."""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.integration.cli.conftest import Terminal
from vectorgate.client.cli.output import Column, Format, Kind, show, show_one
from vectorgate.client.cli.output.columns import dollars, printable, sized
from vectorgate.client.cli.output.lines import Lines
from vectorgate.client.cli.progress import counted

COLUMNS = (Column("name", "name"), Column("spend", "spend", Kind.USD), Column("size", "bytes", Kind.SIZE))


def written(row: dict[str, object], form: Format, out: io.StringIO | None = None) -> str:
    out = out if out is not None else io.StringIO()
    show([row], COLUMNS, form, out)
    return out.getvalue()


@settings(max_examples=30)
@given(st.text(), st.integers(-(10**18), 10**18), st.integers(0, 2**60))
def test_what_a_program_reads_is_exact_and_no_format_obeys_what_a_row_says(name: str, nano: int, size: int) -> None:
    row: dict[str, object] = {"name": name, "spend": nano / 1e9, "spend_nano_usd": nano, "bytes": size}
    assert json.loads(written(row, Format.JSON)) == [row]
    _, (cell, spend, number) = csv.reader(io.StringIO(written(row, Format.CSV), newline=""))
    assert (int(Decimal(spend) * 10**9), int(number)) == (nano, size)
    escaped = "".join(f"\\x{ord(each):02x}" if unicodedata.category(each) == "Cc" else each for each in name)
    assert cell in {escaped, f"'{escaped}"}
    assert not cell.lstrip().startswith(("=", "+", "-", "@"))
    for form in (Format.TABLE, Format.JSON):
        shown = plain(written(row, form, Terminal()))
        assert [each for each in shown if unicodedata.category(each) == "Cc" and each != "\n"] == []


def plain(text: str) -> str:
    """Without rich's own bold type."""
    return text.replace("\x1b[1m", "").replace("\x1b[0m", "")


def test_a_table_on_a_terminal_fits_it_and_one_in_a_pipe_is_whole() -> None:
    row: dict[str, object] = {"name": "x" * 200, "spend": 1, "bytes": 2**31}
    assert written(row, Format.TABLE).splitlines()[1].split() == ["x" * 200, "$1.00", "2.0", "GiB"]
    shown = plain(written(row, Format.TABLE, Terminal()))
    assert max(map(len, shown.splitlines())) <= 80
    assert (shown.count("x"), "$1.00" in shown, "2.0 GiB" in shown) == (200, True, True)


def test_a_terminal_too_narrow_cuts_tokens_alone_and_shows_the_rest() -> None:
    columns = (Column("token", "token", Kind.LONG), Column("id", "id", Kind.ID), Column("alias", "alias"))
    row = {"token": "f" * 64, "id": f"vs_{'0' * 60}", "alias": "of the customers' help desk"}
    out = Terminal()
    show([row], columns, Format.TABLE, out)
    shown = plain(out.getvalue())
    assert row["id"] in shown
    assert f"{'f' * 11}…" in shown
    assert all(word in shown for word in row["alias"].split())


def test_one_object_shows_what_it_has() -> None:
    out = io.StringIO()
    show_one({"name": None, "spend": 0.25, "bytes": []}, COLUMNS, Format.TABLE, out)
    assert out.getvalue() == "spend  $0.25\n"


def test_rows_that_come_one_at_a_time_stand_below_each_other() -> None:
    out = io.StringIO()
    lines = Lines(COLUMNS, Format.TABLE, out)
    lines.write({"name": "a long name", "spend": 1, "bytes": 10})
    lines.write({"name": "b", "spend": 20, "bytes": 1024})
    assert out.getvalue().splitlines()[1:] == ["a long name     $1.00      10 B", "b              $20.00   1.0 KiB"]


def test_amounts_and_sizes_are_written_as_people_write_them() -> None:
    amounts = ("0", "0.000000001", "1234.5", "-0.25")
    assert [dollars(Decimal(each)) for each in amounts] == ["$0.00", "$0.000000001", "$1,234.50", "-$0.25"]
    assert [sized(each) for each in (0, 1023, 1536, 2**40)] == ["0 B", "1023 B", "1.5 KiB", "1.0 TiB"]
    assert printable("a\x1b[2J\u202eb\n") == "a\\x1b[2J\\u202eb\\n"


def test_progress_is_shown_on_a_terminal_alone() -> None:
    pipe, terminal = io.StringIO(), Terminal()
    assert list(counted(range(3), "things", pipe)) == list(counted(range(3), "things", terminal, 3)) == [0, 1, 2]
    assert (pipe.getvalue(), "things" in terminal.getvalue()) == ("", True)
