"""The watched folder: what is read of it, and which changes a scan finds."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest

from local.folder_source import BUCKET, Folder
from local.folder_watcher import FolderWatcher
from tests.fakes.clock import FakeClock
from vectorgate.ids import ObjectId
from vectorgate.ingest.model import (
    Done,
    IndexingReminder,
    ObjectChange,
    ObjectLocation,
    ObjectRow,
    PermanentFailure,
    RetryLater,
)
from vectorgate.ingest.ports import SourceUnavailable
from vectorgate.store_errors import StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vectorgate.ingest.model import IngestEvent, Outcome

KEY = "demo/store/a.md"
OLD = 1_600_000_000  # long ago: the file is not being written


def put(root: Path, key: str = KEY, text: str = "text", at: int = OLD) -> Path:
    """A file that was written long ago."""
    path = root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))
    return path


@dataclass
class WatcherHarness:
    """A watcher whose ingestor answers as set, and records what it was given."""

    root: Path
    rows: dict[ObjectLocation, ObjectRow] = field(default_factory=dict)
    taken: list[IngestEvent] = field(default_factory=list)
    answers: list[Outcome] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    time: FakeClock = field(default_factory=FakeClock)
    refused: dict[str, str] = field(default_factory=dict)
    circumstances: str = "release team"

    def refusals(self, bucket: str) -> dict[str, str]:
        """As `Refusals`."""
        assert bucket == BUCKET
        return dict(self.refused)

    def put_refusal(self, location: ObjectLocation, circumstances: str | None) -> None:
        """As `Refusals`."""
        if circumstances is None:
            self.refused.pop(location.key, None)
        else:
            self.refused[location.key] = circumstances

    def watcher(self) -> FolderWatcher:
        """A new one, as after a start."""
        return FolderWatcher(
            folder=Folder(self.root),
            row_of=self.rows.get,
            recorded=lambda _: [place for place, row in self.rows.items() if not row.deleted],
            refusals=self,
            circumstances=lambda _: self.circumstances,
            ingest=self._ingest,
            clock=self.time.clock(),
            write_line=self.lines.append,
        )

    def _ingest(self, events: Sequence[IngestEvent]) -> list[Outcome]:
        self.taken += events
        for change in events:
            if isinstance(change, ObjectChange):
                row = ObjectRow(
                    location=change.location,
                    revision=1,
                    sequencer=change.sequencer,
                    version=change.version,
                    deleted=change.deleted,
                    team="red",
                )
                self.rows[change.location] = row
        return [self.answers.pop(0) if self.answers else Done() for _ in events]

    def changes(self) -> list[tuple[str, bool]]:
        """The keys that were handed on, and whether they were removed."""
        return [(change.location.key, change.deleted) for change in self.taken if isinstance(change, ObjectChange)]


@pytest.fixture
def watched(tmp_path: Path) -> WatcherHarness:
    """Over an empty folder."""
    return WatcherHarness(tmp_path)


def test_a_file_is_read_with_its_type_and_size(tmp_path: Path) -> None:
    put(tmp_path)
    stored = Folder(tmp_path).open(ObjectLocation(BUCKET, KEY), None)
    assert stored is not None
    with stored.stream as stream:
        assert (stream.read(), stored.size, stored.content_type) == (b"text", 4, "text/markdown")


def test_a_file_that_is_not_the_one_that_was_seen_is_absent(tmp_path: Path) -> None:
    path = put(tmp_path)
    folder = Folder(tmp_path)
    seen = folder.versions()[KEY]
    path.write_text("other")
    assert folder.open(ObjectLocation(BUCKET, KEY), seen) is None
    path.unlink()
    assert folder.open(ObjectLocation(BUCKET, KEY), seen) is None


def test_links_hidden_files_and_other_entries_are_left_out(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside", "secret.txt")
    root = tmp_path / "root"
    put(root)
    put(root, "demo/store/.partial")
    put(root, "demo/.hidden/b.md")
    (root / "demo/store/link.md").symlink_to(outside)
    (root / "demo/linked").symlink_to(outside.parent)
    os.mkfifo(root / "demo/store/pipe")
    assert list(Folder(root).versions()) == [KEY]


@pytest.mark.parametrize("key", ["../outside/secret.txt", "demo/../../outside/secret.txt", "", "/etc/passwd", "a\0b"])
def test_nothing_outside_of_the_folder_is_read(tmp_path: Path, key: str) -> None:
    put(tmp_path / "outside", "secret.txt")
    put(tmp_path / "root")
    assert Folder(tmp_path / "root").open(ObjectLocation(BUCKET, key), None) is None


def test_a_link_that_takes_a_files_place_is_not_followed(tmp_path: Path) -> None:
    outside = put(tmp_path / "outside", "secret.txt")
    folder = Folder(tmp_path / "root")
    path = put(tmp_path / "root")
    seen = folder.versions()[KEY]
    path.unlink()
    path.symlink_to(outside)
    with pytest.raises(SourceUnavailable):
        folder.open(ObjectLocation(BUCKET, KEY), seen)
    path.unlink()
    path.parent.rmdir()
    path.parent.symlink_to(outside.parent)
    with pytest.raises(SourceUnavailable):
        folder.open(ObjectLocation(BUCKET, "demo/store/secret.txt"), None)


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="extended attributes are Linux's")
def test_extended_attributes_are_a_files_metadata(tmp_path: Path) -> None:
    path = put(tmp_path)
    try:
        os.setxattr(path, "user.author", b"Ann")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    stored = Folder(tmp_path).open(ObjectLocation(BUCKET, KEY), None)
    assert stored is not None
    stored.stream.close()
    assert stored.metadata == {"author": "Ann"}


def test_a_scan_finds_what_is_new_other_and_gone_and_each_of_them_once(watched: WatcherHarness) -> None:
    watcher = watched.watcher()
    path = put(watched.root)
    assert (watcher.scan(), watcher.scan()) == (1, 0)
    put(watched.root, text="other", at=OLD + 1)
    assert (watcher.scan(), watcher.scan()) == (1, 0)
    path.unlink()
    assert (watcher.scan(), watcher.scan()) == (1, 0)
    assert watched.changes() == [(KEY, False), (KEY, False), (KEY, True)]
    put(watched.root)
    assert watcher.scan() == 1
    sequencers = [change.sequencer for change in watched.taken if isinstance(change, ObjectChange)]
    assert sequencers == sorted(set(sequencers))


def test_a_change_whose_row_cannot_be_read_is_found_by_the_next_scan(watched: WatcherHarness) -> None:
    watcher, rows = watched.watcher(), watched.rows.get

    def unavailable(place: ObjectLocation) -> ObjectRow | None:
        raise StoreUnavailable(place.key)

    path = put(watched.root)
    for expected in (False, True):
        watcher.row_of = unavailable
        with pytest.raises(StoreUnavailable):
            watcher.scan()
        watcher.row_of = rows
        assert (watcher.scan(), watched.changes()[-1]) == (1, (KEY, expected))
        path.unlink(missing_ok=True)


def test_a_file_that_is_being_written_waits(watched: WatcherHarness) -> None:
    watcher = watched.watcher()
    put(watched.root, at=int(watched.time.wall()))
    assert watcher.scan() == 0
    watched.time.skip(2)
    assert watcher.scan() == 1


def test_what_happened_between_two_processes_is_found_at_the_start(watched: WatcherHarness) -> None:
    gone, other, same = put(watched.root, "demo/s/gone.md"), "demo/s/other.md", "demo/s/same.md"
    put(watched.root, other)
    put(watched.root, same)
    watched.watcher().scan()
    watched.taken.clear()
    gone.unlink()
    put(watched.root, other, text="changed", at=OLD + 1)
    before = watched.rows[ObjectLocation(BUCKET, same)]
    watched.watcher().scan()
    assert sorted(watched.changes()) == [("demo/s/gone.md", True), (other, False), (same, False)]
    (again,) = [change for change in watched.taken if isinstance(change, ObjectChange) and change.location.key == same]
    assert again.sequencer == before.sequencer  # unchanged: what is left of it continues from its row


def test_a_clock_that_was_set_back_makes_no_change_an_old_one(watched: WatcherHarness) -> None:
    watcher = watched.watcher()
    put(watched.root)
    watcher.scan()
    place = ObjectLocation(BUCKET, KEY)
    watched.rows[place] = replace(watched.rows[place], sequencer="f" * 16)
    put(watched.root, text="other", at=OLD + 1)
    watcher.scan()
    assert int(watched.rows[place].sequencer, 16) > int("f" * 16, 16)


def test_what_is_postponed_is_repeated_when_it_is_due(watched: WatcherHarness) -> None:
    watcher = watched.watcher()
    put(watched.root)
    watched.answers = [RetryLater(30, "busy")]
    assert (watcher.scan(), watcher.scan()) == (1, 0)
    watched.time.skip(31)
    assert (watcher.scan(), watcher.scan()) == (1, 0)


def test_a_follow_up_is_done_after_its_time(watched: WatcherHarness) -> None:
    watcher = watched.watcher()
    put(watched.root)
    watch = IndexingReminder(team="red", vector_store_id="vs_1", batch_id="vsfb_1", files={ObjectId("file-1"): KEY})
    watched.answers = [Done(watch, 5)]
    assert (watcher.scan(), watcher.scan()) == (1, 0)
    watched.time.skip(6)
    assert watcher.scan() == 1
    assert watched.taken[-1] == watch


def test_what_is_refused_is_reported_once_with_the_reason(watched: WatcherHarness) -> None:
    watcher = watched.watcher()
    put(watched.root)
    watched.answers = [PermanentFailure("no such team")]
    watcher.scan()
    watcher.scan()
    assert watched.lines == [f"not ingested: {KEY}: no such team"]


def test_what_is_refused_is_not_tried_again_by_the_next_process_until_something_is_different(
    watched: WatcherHarness,
) -> None:
    path = put(watched.root)
    watched.answers = [PermanentFailure("no such type")]
    watched.watcher().scan()
    assert watched.watcher().scan() == 0  # another process
    watched.circumstances = "release other-team"
    watched.answers = [PermanentFailure("no such type")]
    assert watched.watcher().scan() == 1
    put(watched.root, text="changed", at=OLD + 1)
    assert watched.watcher().scan() == 1
    assert watched.refused == {}  # it was ingested
    watched.answers = [PermanentFailure("no such type")]
    put(watched.root, text="worse", at=OLD + 2)
    watched.watcher().scan()
    assert list(watched.refused) == [KEY]
    path.unlink()
    watched.watcher().scan()
    assert watched.refused == {}


def test_a_refusal_that_cannot_be_noted_is_found_again(watched: WatcherHarness) -> None:
    put(watched.root)
    watched.answers = [PermanentFailure("no such type")] * 2
    watcher, note = watched.watcher(), watched.put_refusal

    def full(location: ObjectLocation, circumstances: str | None) -> None:
        raise StoreUnavailable(f"{location} {circumstances}")

    watched.put_refusal = full  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable):
        watcher.scan()
    watched.put_refusal = note  # type: ignore[method-assign]
    assert watcher.scan() == 1
    assert len(watched.lines) == 1


def test_a_file_of_before_1970_is_a_file_like_any_other(watched: WatcherHarness) -> None:
    put(watched.root, at=-5)
    assert watched.watcher().scan() == 1
    assert watched.changes() == [(KEY, False)]


def test_what_lies_deeper_than_a_key_is_long_is_not_walked_to(watched: WatcherHarness) -> None:
    """Python 3.11 walks recursively: a thousand folders within each other would end the watcher."""
    put(watched.root)
    put(watched.root, "demo/" + "/".join(["n" * 200] * 7) + "/a.md")
    assert list(Folder(watched.root).versions()) == [KEY]


def test_a_folder_that_is_absent_is_not_an_empty_one(watched: WatcherHarness) -> None:
    put(watched.root / "home")
    watched.root /= "home"
    watcher = watched.watcher()
    watcher.scan()
    watched.root.rename(watched.root.with_name("elsewhere"))
    with pytest.raises(SourceUnavailable):
        watcher.scan()
    with pytest.raises(SourceUnavailable):
        Folder(watched.root).open(ObjectLocation(BUCKET, KEY), None)
    assert watched.changes() == [(KEY, False)]


def test_the_folder_itself_may_be_a_link(tmp_path: Path) -> None:
    put(tmp_path / "real")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    folder = Folder(tmp_path / "link")
    stored = folder.open(ObjectLocation(BUCKET, KEY), folder.versions()[KEY])
    assert stored is not None
    stored.stream.close()


def test_a_name_cannot_forge_a_line(watched: WatcherHarness) -> None:
    put(watched.root, "demo/store/a\nFile Indexed: {}")
    watched.answers.append(PermanentFailure("no\r\nmore"))
    watched.watcher().scan()
    assert watched.lines == ["not ingested: demo/store/a\ufffdFile Indexed: {}: no\ufffd\ufffdmore"]
