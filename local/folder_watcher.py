"""Scan the watched folder for what is new, changed or removed since the rows were written.

A scan needs no notification, and finds as well what changed while no process ran. What is to be done later is kept in
memory: after a crash the next scan finds it again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Protocol

from local.folder_source import BUCKET, written_ns
from vectorgate.api.http import encode_json
from vectorgate.ingest.model import Done, ObjectChange, ObjectLocation, PermanentFailure, RetryLater

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from local.folder_source import Folder
    from vectorgate.clock import Clock
    from vectorgate.ingest.model import IngestEvent, ObjectRow, Outcome, ResultEvent

AT_ONCE: Final = 100  # events of one round: they are attached together
QUIET_NS: Final = 1_000_000_000  # a file that was written to within this time is still being written
DIGITS: Final = 16  # of a sequencer: nanoseconds of Unix time as hexadecimal digits


@dataclass(frozen=True, slots=True)
class ResultLines:
    """`Bus`: each result is a line."""

    write_line: Callable[[str], None]

    def publish(self, results: Sequence[ResultEvent]) -> None:
        """Write the lines."""
        for result in results:
            self.write_line(f"{result.detail_type}: {encode_json(result.detail).decode('ascii')}")


class Refusals(Protocol):
    """Where refusals are remembered, by bucket and key, with the circumstances under which they hold."""

    def refusals(self, bucket: str) -> Mapping[str, str]:
        """All of a bucket's, by key. StoreError."""
        ...

    def put_refusal(self, location: ObjectLocation, circumstances: str | None) -> None:
        """Note or, with None, forget one. StoreError."""
        ...


@dataclass(slots=True)
class _Pending:
    event: IngestEvent
    due: float


@dataclass(slots=True, kw_only=True)
class FolderWatcher:
    """Scan after scan: `scan` finds what changed, hands it to `ingest`, and keeps what is to be done later.

    `row_of` reads an object's row; `recorded` lists the objects of a bucket that were ingested and not removed since.
    `refusals` remembers what was refused permanently, and `circumstances` is what that depends on besides the file, by
    its key. `write_line` gets a line for each failure.
    """

    folder: Folder
    row_of: Callable[[ObjectLocation], ObjectRow | None]
    recorded: Callable[[str], Sequence[ObjectLocation]]
    refusals: Refusals
    circumstances: Callable[[str], str]
    ingest: Callable[[Sequence[IngestEvent]], Sequence[Outcome]]
    clock: Clock
    write_line: Callable[[str], None]
    _known: set[str] | None = None  # keys of objects that are in their stores
    _pending: dict[object, _Pending] = field(default_factory=dict)
    _handled: dict[str, str] = field(default_factory=dict)  # the version that was dealt with, by key
    _refused: dict[str, str] = field(default_factory=dict)  # as `refusals` has them

    def scan(self) -> int:
        """Find what changed and do what is due; the number of events dealt with. StoreError, SourceUnavailable."""
        self._find_changes()
        now = self.clock.monotonic()
        due = [(name, waiting.event) for name, waiting in self._pending.items() if waiting.due <= now][:AT_ONCE]
        if not due:
            return 0
        outcomes = self.ingest([event for _, event in due])
        for (name, event), outcome in zip(due, outcomes, strict=True):
            self._conclude(name, event, outcome)
        return len(due)

    def _find_changes(self) -> None:
        """Keep each change, and only then note it as handled: if a row cannot be read, the next scan finds it again."""
        versions = self.folder.versions()
        known = self._known_keys()
        self._forget_what_is_tried_again()
        for change in self._written(versions):
            self._keep(change)
            self._handled[change.location.key] = str(change.version)
            known.add(change.location.key)
        for key in sorted(known - versions.keys()):
            self._remove(ObjectLocation(BUCKET, key))
            known.discard(key)
            self._handled.pop(key, None)
        for key in sorted(self._refused.keys() - versions.keys()):
            self._note_refusal(ObjectLocation(BUCKET, key), None)

    def _forget_what_is_tried_again(self) -> None:
        """Handle again the files whose refusal an administrator has taken back."""
        if self._refused:
            for key in self._refused.keys() - self.refusals.refusals(BUCKET).keys():
                del self._refused[key]
                self._handled.pop(key, None)

    def _known_keys(self) -> set[str]:
        if self._known is None:
            self._refused = dict(self.refusals.refusals(BUCKET))
            self._known = {location.key for location in self.recorded(BUCKET)}
        return self._known

    def _keep(self, change: ObjectChange) -> None:
        self._pending[change.location] = _Pending(change, due=0.0)

    def _written(self, versions: dict[str, str]) -> Iterator[ObjectChange]:
        now_ns = int(self.clock.wall() * 1e9)
        for key, version in versions.items():
            if self._handled.get(key) == version or now_ns - written_ns(version) < QUIET_NS:
                continue
            if self._refused.get(key) == self._refused_for(key, version):
                continue
            location = ObjectLocation(BUCKET, key)
            row = self._row(location)
            same = row is not None and not row.deleted and row.version == version
            sequencer = row.sequencer if row is not None and same else self._later_than(row)
            yield ObjectChange(location=location, sequencer=sequencer, version=version)

    def _remove(self, location: ObjectLocation) -> None:
        row = self._row(location)
        if row is not None:
            sequencer = row.sequencer if row.deleted else self._later_than(row)
            self._keep(ObjectChange(location=location, sequencer=sequencer, deleted=True))

    def _row(self, location: ObjectLocation) -> ObjectRow | None:
        try:
            return self.row_of(location)
        except ValueError:  # a key that cannot be one: the ingestor reports it
            return None

    def _later_than(self, row: ObjectRow | None) -> str:
        """A sequencer after the row's, even if the machine's clock was set back."""
        before = int(row.sequencer, 16) if row is not None else 0
        return f"{max(int(self.clock.wall() * 1e9), before + 1):0{DIGITS}x}"

    def _conclude(self, name: object, event: IngestEvent, outcome: Outcome) -> None:
        now = self.clock.monotonic()
        if isinstance(outcome, RetryLater):
            self._pending[name].due = now + outcome.seconds
            return
        if isinstance(event, ObjectChange):
            self._conclude_change(event, outcome)
        del self._pending[name]
        if isinstance(outcome, Done):
            if outcome.follow_up is not None:
                watch = outcome.follow_up
                self._pending[(watch.vector_store_id, *watch.files)] = _Pending(watch, now + outcome.seconds)
            return
        what = event.location.key if isinstance(event, ObjectChange) else type(event).__name__
        self.write_line(_in_one_line(f"not ingested: {what}: {outcome.reason}"))

    def _conclude_change(self, change: ObjectChange, outcome: Outcome) -> None:
        """Record what was refused; and recognise an object that was written again before its removal was dealt with."""
        key = change.location.key
        if isinstance(outcome, PermanentFailure) and not change.deleted:
            self._note_refusal(change.location, self._refused_for(key, str(change.version)))
        elif key in self._refused:
            self._note_refusal(change.location, None)
        if change.deleted and isinstance(outcome, Done):
            row = self._row(change.location)
            if row is not None and not row.deleted:
                self._known_keys().add(key)

    def _refused_for(self, key: str, version: str) -> str:
        return f"{version} {self.circumstances(key)}"

    def _note_refusal(self, location: ObjectLocation, circumstances: str | None) -> None:
        self.refusals.put_refusal(location, circumstances)
        if circumstances is None:
            self._refused.pop(location.key, None)
        else:
            self._refused[location.key] = circumstances


def _in_one_line(text: str) -> str:
    """Replace line breaks and controls, with which a file's name could forge lines of the output."""
    return "".join(character if character.isprintable() else "\ufffd" for character in text)
