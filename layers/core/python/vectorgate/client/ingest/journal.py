"""The state of each file after earlier runs: one appended line of JSON for each step. A torn last line is ignored."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Final, Literal, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

# "failed" is tried again by the next run; "refused" only once the content has changed. Of a "deleted" file, and of one
# that failed or was refused, nothing is left at the provider.
State = Literal["uploaded", "done", "failed", "refused", "deleted"]
WITHOUT_UPLOAD: Final = frozenset({"failed", "refused", "deleted"})


class JournalBusy(Exception):
    """Another run has locked the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRecord:
    """The state of one file. `replaces`: older uploads that are still to be removed; `reason`: why it was refused.

    `attributes` (JSON) and `chunking` (`SIZE/OVERLAP`) are what it was attached with, empty for none.
    """

    path: str
    sha256: str
    file_id: str
    state: State
    replaces: tuple[str, ...] = ()
    reason: str = ""
    attributes: str = ""
    chunking: str = ""

    def older(self) -> tuple[str, ...]:
        """The uploads to remove once a new version is indexed."""
        return self.replaces if self.state in WITHOUT_UPLOAD else (*self.replaces, self.file_id)


class History:
    """The records of a journal, and the store that they are about."""

    def __init__(self) -> None:
        self.records: dict[str, FileRecord] = {}
        self.store_id: str | None = None

    def read(self, content: bytes) -> None:
        """Read the lines of a journal."""
        for line in content.splitlines():
            try:
                self._apply(json.loads(line))
            except (ValueError, TypeError, KeyError):
                continue  # the process was stopped while it wrote the line

    def about(self, store_id: str) -> dict[str, FileRecord]:
        """The records, if they are about that store."""
        return self.records if self.store_id == store_id else {}

    def _apply(self, fields: dict[str, object]) -> None:
        if "store_id" in fields:
            if self.store_id not in {None, fields["store_id"]}:
                self.records.clear()
            self.store_id = str(fields["store_id"])
            return
        record = FileRecord(**{**fields, "replaces": tuple(fields["replaces"])})  # type: ignore[arg-type]
        self.records[record.path] = record


def history(path: Path) -> History:
    """The journal at that path, which is neither made nor locked."""
    found = History()
    if path.exists():
        found.read(path.read_bytes())
    return found


class Journal(History):
    """The journal of one folder, gateway and store. It is locked against other runs while it is open."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._stream = path.open("a+b")
        _lock(self._stream, path)
        self._read()

    def store(self, store_id: str) -> None:
        """Set the store that this journal is about. Records about another one are dropped."""
        if self.store_id not in {None, store_id}:
            self.records.clear()
        self.store_id = store_id
        self._append({"store_id": store_id})

    def note(self, record: FileRecord) -> None:
        """Record the state of a file after a step."""
        self.records[record.path] = record
        self._append(asdict(record))

    def _append(self, fields: dict[str, object]) -> None:
        self._stream.write(json.dumps(fields, separators=(",", ":")).encode("ascii") + b"\n")
        self._stream.flush()

    def _read(self) -> None:
        self._stream.seek(0)
        content = self._stream.read()
        self.read(content)
        if content and not content.endswith(b"\n"):
            self._stream.write(b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stream.close()


def _lock(stream: IO[bytes], path: Path) -> None:
    try:
        import fcntl  # noqa: PLC0415 - not on Windows, where two runs at once are not prevented
    except ImportError:
        return
    try:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        stream.close()
        raise JournalBusy(f"another run is using {path}") from error
