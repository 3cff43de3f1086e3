"""Whatever happens to a watched file while others are dealt with, in the end what is attached is what is there."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from local.folder_source import BUCKET, Folder
from local.folder_watcher import FolderWatcher
from tests.harnesses.ingest import IngestHarness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from vectorgate.ingest.model import IngestEvent, Outcome
    from vectorgate.persistence.sqlite import SqliteIngest

SECONDS = 3.0  # between two scans: more than a file has to be quiet

Step = tuple[Literal["write", "delete"], int]


class WatchedFolder:
    """A folder of one team whose watcher runs the real ingestor; `meanwhile` runs after a scan's search."""

    def __init__(self, root: Path) -> None:
        self.root = root / "demo" / "store"
        self.root.mkdir(parents=True)
        self.harness = IngestHarness(senders={"demo": "red"})
        self.meanwhile: Callable[[], object] = lambda: None
        self._writes = 0
        store: SqliteIngest = self.harness.stores.ingest  # type: ignore[assignment]
        self._ingestor = replace(self.harness.ingestor, objects=Folder(root), buckets={BUCKET})
        self._watcher = FolderWatcher(
            folder=Folder(root),
            row_of=store.object_row,
            recorded=store.present_or_unfinished,
            refusals=store,
            circumstances=lambda _: "",
            ingest=self._ingest,
            clock=self.harness.clock,
            write_line=lambda _: None,
        )

    def write(self, number: int) -> None:
        """Write a file with other content than ever before."""
        path = self.root / f"{number}.md"
        self._writes += 1
        path.write_text(f"{number}: {self._writes}")
        age_s = 2 if self._writes % 2 else 0  # some are quiet for long enough to be read at once
        at = int((self.harness.now - age_s) * 1e9) + 1_000 * self._writes  # no version is like another
        os.utime(path, ns=(at, at))

    def delete(self, number: int) -> None:
        """Delete a file, if it is there."""
        (self.root / f"{number}.md").unlink(missing_ok=True)

    def take_all(self, steps: Sequence[Step]) -> None:
        """Do what each step says."""
        for verb, number in steps:
            (self.write if verb == "write" else self.delete)(number)

    def scan(self) -> None:
        """One scan, after some seconds."""
        self.harness.now += SECONDS
        while self._watcher.scan():
            pass

    def settle(self) -> None:
        """Scan until everything that was postponed is done."""
        for _ in range(100):
            self.scan()

    def contents(self) -> list[str]:
        """What is there, by its digest."""
        return sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in self.root.iterdir())

    def attached(self) -> list[str]:
        """What is attached, by its digest."""
        return sorted(each.content for each in self.harness.attachments().elements())

    def _ingest(self, events: Sequence[IngestEvent]) -> list[Outcome]:
        meanwhile, self.meanwhile = self.meanwhile, lambda: None
        meanwhile()
        return self._ingestor.process(events)


@contextmanager
def watched() -> Iterator[WatchedFolder]:
    """A new one."""
    with tempfile.TemporaryDirectory() as folder:
        made = WatchedFolder(Path(folder))
        yield made
        made.harness.close()


def test_a_file_that_is_written_anew_and_deleted_while_its_removal_waits_is_detached() -> None:
    with watched() as folder:
        for number in range(3):
            folder.write(number)
        folder.scan()
        assert len(folder.attached()) == 3
        folder.delete(0)
        folder.delete(1)
        folder.meanwhile = lambda: folder.write(1)  # the removal finds it, and attaches it
        folder.scan()
        folder.delete(1)
        folder.settle()
        assert folder.attached() == folder.contents()


STEPS = st.lists(st.tuples(st.sampled_from(["write", "delete"]), st.integers(0, 1)), max_size=2)


@given(st.lists(st.tuples(STEPS, STEPS), min_size=3, max_size=6))
@settings(max_examples=80, deadline=None)
def test_in_the_end_what_is_attached_is_what_is_there(rounds: list[tuple[list[Step], list[Step]]]) -> None:
    with watched() as folder:
        for before, meanwhile in rounds:
            folder.take_all(before)
            folder.meanwhile = partial(folder.take_all, meanwhile)
            folder.scan()
        folder.settle()
        assert folder.attached() == folder.contents()
