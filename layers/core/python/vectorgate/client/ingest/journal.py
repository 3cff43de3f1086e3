"""What is known of each file from earlier runs: one line of JSON a step, appended. A torn last line is ignored."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

# "failed" may go better at the next run; "refused" will not, until the content is another.
State = Literal["uploaded", "done", "failed", "refused"]


class JournalBusy(Exception):
    """Another run holds the journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """One file as it stands upstream. `replaces`: older versions that are still to be removed; `reason`: if refused."""

    path: str
    sha256: str
    file_id: str
    state: State
    replaces: tuple[str, ...] = ()
    reason: str = ""


class Journal:
    """Open while a run goes on; nobody else may write to it meanwhile."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.known: dict[str, Known] = {}
        self.store_id: str | None = None
        self._stream = path.open("a+b")
        _lock(self._stream, path)
        self._read()

    def store(self, store_id: str) -> None:
        """The store that this journal is of. What was attached to another one is forgotten."""
        if self.store_id not in {None, store_id}:
            self.known.clear()
        self.store_id = store_id
        self._append({"store_id": store_id})

    def note(self, known: Known) -> None:
        """A step was taken."""
        self.known[known.path] = known
        self._append(asdict(known))

    def _append(self, record: dict[str, object]) -> None:
        self._stream.write(json.dumps(record, separators=(",", ":")).encode("ascii") + b"\n")
        self._stream.flush()

    def _read(self) -> None:
        self._stream.seek(0)
        content = self._stream.read()
        for line in content.splitlines():
            try:
                self._apply(json.loads(line))
            except (ValueError, TypeError, KeyError):
                continue  # the machine stopped while it was written
        if content and not content.endswith(b"\n"):
            self._stream.write(b"\n")

    def _apply(self, record: dict[str, object]) -> None:
        if "store_id" in record:
            if self.store_id not in {None, record["store_id"]}:
                self.known.clear()
            self.store_id = str(record["store_id"])
            return
        known = Known(**{**record, "replaces": tuple(record["replaces"])})  # type: ignore[arg-type]
        self.known[known.path] = known

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
