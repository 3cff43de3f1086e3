"""Settled rows are JSON lines in a folder, partitioned by day as in S3."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from tests.factories.ledger import T0
from tests.harnesses.exports import settling

if TYPE_CHECKING:
    from pathlib import Path

DAY_MS = 86_400_000


def lines(folder: Path) -> dict[str, list[Any]]:
    """The records by partition."""
    found: dict[str, list[Any]] = {}
    for file in sorted(folder.rglob("*.jsonl.gz")):
        records = map(json.loads, gzip.decompress(file.read_bytes()).splitlines())
        found.setdefault(file.parent.relative_to(folder).as_posix(), []).extend(records)
    return found


def test_each_day_is_a_partition_and_a_batch_that_comes_twice_is_one_file(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    with settling({"VECTORGATE_EXPORT_FOLDER": str(folder)}) as rows:
        settled = rows.settle(30)
        rows.begun = DAY_MS
        settled += rows.settle(30)
        rows.tick()
        once = lines(folder)
        rows.database.change("UPDATE export_places SET place = 0", ())
        rows.tick()
    assert {day: [record["id"] for record in records] for day, records in once.items()} == {
        "usage/day=2026-03-04": settled[:30],
        "usage/day=2026-03-05": settled[30:],
    }
    assert lines(folder) == once
    assert T0 // DAY_MS == 20_516


def test_a_folder_that_cannot_be_written_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    folder.write_text("not a folder")
    with settling({"VECTORGATE_EXPORT_FOLDER": str(folder)}) as rows:
        settled = rows.settle(1)
        rows.tick()
        assert rows.dead_letters() == []
        folder.unlink()
        rows.tick()
    ((record,),) = lines(folder).values()
    assert record["id"] == settled[0]
