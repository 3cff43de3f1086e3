"""The dead letters of local mode: exported records that a destination refused, and files that cannot be ingested."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from local.folder_source import BUCKET
from vectorgate.admin.dead_letter_queues import SHOWN, DeadLetter, DeadLetterQueue

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.persistence.sqlite import SqliteIngest, SqliteOutbox

INGEST: Final = "ingest"


class LocalDeadLetters:
    """DeadLetters in the data folder's database."""

    def __init__(self, outbox: SqliteOutbox, ingest: SqliteIngest) -> None:
        self._outbox = outbox
        self._ingest = ingest

    def queues(self) -> Sequence[DeadLetterQueue]:
        """A queue for each destination that refused something, and the watched folder's. StoreError."""
        refused = sorted(self._ingest.refusals(BUCKET))
        letters = [DeadLetter(id=key) for key in refused[:SHOWN]]
        return [*self._of_exports(), DeadLetterQueue(name=INGEST, count=len(refused), letters=letters)]

    def _of_exports(self) -> list[DeadLetterQueue]:
        by_destination: defaultdict[str, list[DeadLetter]] = defaultdict(list)
        for destination, id_, at_ms, reason in self._outbox.dead_letters():
            by_destination[destination].append(DeadLetter(id=id_, at_ms=at_ms, reason=reason))
        return [
            DeadLetterQueue(name=f"export {name}", count=len(letters), letters=letters)
            for name, letters in by_destination.items()
        ]
