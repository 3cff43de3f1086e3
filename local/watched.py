"""The watched folder: to the one-machine edition what the bucket is to a deployment.

::

    <folder>/<sender>/<store name or id>/.../report.pdf      as s3://<bucket>/<sender>/<store>/.../report.pdf

A look at the folder finds what is new, other or gone since the rows were written, whoever was running meanwhile; it
needs no notification. What is to come again is kept in memory: after a crash the next look finds it again.
"""

from __future__ import annotations

import mimetypes
import os
import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, BinaryIO, Final

from vectorgate.api.http import encode_json
from vectorgate.ingest.model import Done, ObjectChange, ObjectLocation, RetryLater
from vectorgate.ingest.object_key import MAX_KEY_BYTES
from vectorgate.ingest.ports import SourceUnavailable, StoredObject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from vectorgate.clock import Clock
    from vectorgate.ingest.model import IngestEvent, ObjectRow, Outcome, ResultEvent

BUCKET: Final = "watched-folder"
AT_ONCE: Final = 100  # notices of one round: they are attached together
SETTLED_NS: Final = 1_000_000_000  # a file that was written to within this time is still being written
DIGITS: Final = 16  # of a sequencer: nanoseconds of Unix time as hexadecimal digits
_PREFIX: Final = "user."
_OPEN_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Folder:
    """`Objects`: regular files below a root. Links are not followed, so that nothing outside of it is ever read."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def versions(self) -> dict[str, str]:
        """The version of each file by its key. Hidden files, links and names that are no text are passed over.

        So is what lies deeper than a key is long: whoever may write here must not be able to exhaust the walk.
        """
        found: dict[str, str] = {}
        deepest = len(os.fsencode(self._root)) + MAX_KEY_BYTES
        for folder, names, files in os.walk(self._root, onerror=_unreachable):
            names[:] = sorted(name for name in names if not name.startswith(".") and len(os.fsencode(folder)) < deepest)
            for name in sorted(files):
                path = os.path.join(folder, name)  # noqa: PTH118 - os.walk speaks of texts
                version = _version_at(path)
                if version is not None and not name.startswith("."):
                    found[os.path.relpath(path, self._root).replace(os.sep, "/")] = version
        self._check_root()
        return found

    def open(self, place: ObjectLocation, version: str | None) -> StoredObject | None:
        """The file, if it is still the one that was seen."""
        try:
            descriptor = self._descriptor(place.key.split("/"))
        except FileNotFoundError:
            self._check_root()
            return None
        except OSError as error:
            raise SourceUnavailable(f"{type(error).__name__} at a file of the watched folder") from error
        stream = os.fdopen(descriptor, "rb")
        try:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode) or (version is not None and _version_of(state) != version):
                stream.close()
                return None
            return self._object(place.key, stream, state)
        except BaseException:
            stream.close()
            raise

    def _check_root(self) -> None:
        """A folder that is moved away or not mounted is not one in which everything was removed."""
        if not self._root.is_dir():
            raise SourceUnavailable("the watched folder is not there")

    def _object(self, key: str, stream: BinaryIO, state: os.stat_result) -> StoredObject:
        return StoredObject(
            size=state.st_size,
            version=_version_of(state),
            content_type=mimetypes.guess_type(key)[0],
            metadata=_attributes(stream.fileno()),
            tags={},
            stream=stream,
        )

    def _descriptor(self, segments: list[str]) -> int:
        """Opened one segment after the other: a link put in place of a folder meanwhile is not followed either."""
        if any(segment in {"", ".", ".."} or "\0" in segment for segment in segments):
            raise FileNotFoundError
        parent = os.open(self._root.resolve(), _OPEN_FLAGS | os.O_DIRECTORY)  # itself may be a link: it is our own
        try:
            for segment in segments[:-1]:
                inner = os.open(segment, _OPEN_FLAGS | os.O_DIRECTORY, dir_fd=parent)
                os.close(parent)
                parent = inner
            return os.open(segments[-1], _OPEN_FLAGS, dir_fd=parent)
        finally:
            os.close(parent)


def _version_at(path: str) -> str | None:
    try:
        state = os.lstat(path)
        path.encode()
    except (OSError, UnicodeEncodeError):
        return None
    return _version_of(state) if stat.S_ISREG(state.st_mode) else None


def _version_of(state: os.stat_result) -> str:
    return f"{state.st_mtime_ns:x}-{state.st_size:x}-{state.st_ino:x}"


def _written_ns(version: str) -> int:
    """When that version was written: before 1970 it has a sign."""
    return int(version.rsplit("-", 2)[0], 16)


def _in_one_line(text: str) -> str:
    """A name can hold line breaks, and would forge lines of ours."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def _attributes(descriptor: int) -> dict[str, str]:
    """The extended attributes `user.*`, where the file system has them: a folder's object metadata."""
    if not hasattr(os, "listxattr"):
        return {}
    try:
        names = [name for name in os.listxattr(descriptor) if name.startswith(_PREFIX)]
        return {name.removeprefix(_PREFIX): os.getxattr(descriptor, name).decode("utf-8", "replace") for name in names}
    except OSError:
        return {}


def _unreachable(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):  # a folder that was removed meanwhile
        raise SourceUnavailable(f"{type(error).__name__} at the watched folder") from error


@dataclass(frozen=True, slots=True)
class SaidResults:
    """`Bus`: a line for each result."""

    say: Callable[[str], None]

    def publish(self, results: Sequence[ResultEvent]) -> None:
        """One line each."""
        for result in results:
            self.say(f"{result.detail_type}: {encode_json(result.detail).decode('ascii')}")


@dataclass(slots=True)
class _Pending:
    notice: IngestEvent
    due: float


@dataclass(slots=True, kw_only=True)
class Watcher:
    """One look after the other: `look` finds what changed, hands it to `take`, and keeps what is to come again.

    `row_of` reads a row, `present_or_unfinished` names the objects that were ingested and not removed since; `say` gets
    a line for each failure.
    """

    folder: Folder
    row_of: Callable[[ObjectLocation], ObjectRow | None]
    present_or_unfinished: Callable[[str], Sequence[ObjectLocation]]
    take: Callable[[Sequence[IngestEvent]], Sequence[Outcome]]
    clock: Clock
    say: Callable[[str], None]
    _known: set[str] | None = None  # keys of objects that are in their stores
    _pending: dict[object, _Pending] = field(default_factory=dict)
    _seen: dict[str, str] = field(default_factory=dict)  # the version that was dealt with, by key

    def look(self) -> int:
        """Find out and do what is due; how many notices were dealt with. StoreError, SourceUnavailable."""
        self._notice_changes()
        now = self.clock.monotonic()
        due = [(name, waiting.notice) for name, waiting in self._pending.items() if waiting.due <= now][:AT_ONCE]
        if not due:
            return 0
        outcomes = self.take([notice for _, notice in due])
        for (name, notice), outcome in zip(due, outcomes, strict=True):
            self._conclude(name, notice, outcome)
        return len(due)

    def _notice_changes(self) -> None:
        """A change counts as seen once it is kept: where a row cannot be read, the next look finds it again."""
        versions = self.folder.versions()
        if self._known is None:
            self._known = {place.key for place in self.present_or_unfinished(BUCKET)}
        for change in self._written(versions):
            self._keep(change)
            self._seen[change.location.key] = str(change.version)
            self._known.add(change.location.key)
        for key in sorted(self._known - versions.keys()):
            self._remove(ObjectLocation(BUCKET, key))
            self._known.discard(key)
            self._seen.pop(key, None)

    def _keep(self, change: ObjectChange) -> None:
        self._pending[change.location] = _Pending(change, due=0.0)

    def _written(self, versions: dict[str, str]) -> Iterator[ObjectChange]:
        now_ns = int(self.clock.wall() * 1e9)
        for key, version in versions.items():
            if self._seen.get(key) == version or now_ns - _written_ns(version) < SETTLED_NS:
                continue
            place = ObjectLocation(BUCKET, key)
            row = self._row(place)
            same = row is not None and not row.deleted and row.version == version
            sequencer = row.sequencer if row is not None and same else self._later_than(row)
            yield ObjectChange(location=place, sequencer=sequencer, version=version)

    def _remove(self, place: ObjectLocation) -> None:
        row = self._row(place)
        if row is not None:
            sequencer = row.sequencer if row.deleted else self._later_than(row)
            self._keep(ObjectChange(location=place, sequencer=sequencer, deleted=True))

    def _row(self, place: ObjectLocation) -> ObjectRow | None:
        try:
            return self.row_of(place)
        except ValueError:  # a key that cannot be one: the ingestor says so
            return None

    def _later_than(self, row: ObjectRow | None) -> str:
        """A sequencer after the row's, whatever the machine's clock did meanwhile."""
        before = int(row.sequencer, 16) if row is not None else 0
        return f"{max(int(self.clock.wall() * 1e9), before + 1):0{DIGITS}x}"

    def _conclude(self, name: object, notice: IngestEvent, outcome: Outcome) -> None:
        now = self.clock.monotonic()
        if isinstance(outcome, RetryLater):
            self._pending[name].due = now + outcome.seconds
            return
        del self._pending[name]
        if isinstance(outcome, Done):
            if outcome.follow_up is not None:
                watch = outcome.follow_up
                self._pending[(watch.vector_store_id, *watch.files)] = _Pending(watch, now + outcome.seconds)
            return
        what = notice.location.key if isinstance(notice, ObjectChange) else type(notice).__name__
        self.say(_in_one_line(f"not ingested: {what}: {outcome.reason}"))
