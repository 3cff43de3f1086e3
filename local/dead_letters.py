"""The dead letters of local mode: exported records that a destination refused, and files that cannot be ingested.

Those of exports are delivered again within the request, past the outbox; a file is tried again at the next look.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Final

from local.folder_source import BUCKET
from vectorgate.admin.dead_letter_queues import (
    DROP,
    RETRY,
    SHOWN,
    DeadLetter,
    DeadLetterQueue,
    Retried,
    no_such_queue,
)
from vectorgate.exports.delivery import deliver
from vectorgate.exports.record import record_of
from vectorgate.ingest.model import ObjectLocation

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from vectorgate.exports.ports import Destination, Waiting
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.persistence.sqlite import SqliteIngest, SqliteOutbox

INGEST: Final = "ingest"
EXPORT: Final = "export "
AT_ONCE: Final = 1_000  # letters of one call


class LocalDeadLetters:
    """DeadLetters in the data folder's database."""

    def __init__(
        self,
        outbox: SqliteOutbox,
        ingest: SqliteIngest,
        ledger: LedgerStore,
        destinations: Mapping[str, Destination],
    ) -> None:
        self._outbox = outbox
        self._ingest = ingest
        self._ledger = ledger
        self._destinations = destinations

    def queues(self) -> Sequence[DeadLetterQueue]:
        """A queue for each destination that refused something, and the watched folder's. StoreError."""
        refused = sorted(self._ingest.refusals(BUCKET))
        letters = [DeadLetter(id=key) for key in refused[:SHOWN]]
        actions = (RETRY,)
        return [*self._of_exports(), DeadLetterQueue(name=INGEST, count=len(refused), letters=letters, actions=actions)]

    def retry(self, queue: str, ids: Collection[str] | None) -> Retried:
        """As the port says, at most AT_ONCE. InvalidRequest for a destination that is not chosen. StoreError."""
        if queue == INGEST:
            return self._retry_files(ids)
        name = queue.removeprefix(EXPORT)
        if not queue.startswith(EXPORT) or name not in self._destinations:
            raise no_such_queue(queue, f" Destinations: {', '.join(self._destinations) or 'none'}.")
        return self._export(self._chosen(name, ids), self._destinations[name])

    def drop(self, queue: str, ids: Collection[str] | None) -> int:
        """As the port says, of exports. InvalidRequest, StoreError."""
        if not queue.startswith(EXPORT):
            raise no_such_queue(queue, " A file that is refused is taken out of the folder.")
        name = queue.removeprefix(EXPORT)
        rows = self._chosen(name, ids)
        self._outbox.forget(name, rows)
        return len(rows)

    def _chosen(self, destination: str, ids: Collection[str] | None) -> list[Waiting]:
        return [row for row in self._outbox.dead_of(destination, AT_ONCE) if ids is None or row.id in ids]

    def _export(self, rows: list[Waiting], destination: Destination) -> Retried:
        """Deliver rows again, up to the first that the destination cannot take now."""
        entries = self._ledger.entries([row.id for row in rows])
        known = [row for row in rows if row.id in entries]
        delivery = deliver([record_of(entries[row.id]) for row in known], destination)
        refused = dict(delivery.refused)
        for at, reason in refused.items():
            self._outbox.set_aside(destination.name, known[at], reason)
        done = [row for at, row in enumerate(known[: delivery.done]) if at not in refused]
        self._outbox.forget(destination.name, done)
        reasons = [*refused.values(), *([str(delivery.failure)] if delivery.failure is not None else [])]
        return Retried(done=len(done), left=len(rows) - len(done), reason=reasons[0] if reasons else None)

    def _retry_files(self, ids: Collection[str] | None) -> Retried:
        refused = [key for key in self._ingest.refusals(BUCKET) if ids is None or key in ids]
        for key in refused:
            self._ingest.put_refusal(ObjectLocation(BUCKET, key), None)
        return Retried(done=len(refused))

    def _of_exports(self) -> list[DeadLetterQueue]:
        by_destination: defaultdict[str, list[DeadLetter]] = defaultdict(list)
        for destination, id_, at_ms, reason in self._outbox.dead_letters():
            by_destination[destination].append(DeadLetter(id=id_, at_ms=at_ms, reason=reason))
        return [
            DeadLetterQueue(
                name=EXPORT + name,
                count=len(letters),
                letters=letters,
                actions=(RETRY, DROP) if name in self._destinations else (DROP,),
            )
            for name, letters in by_destination.items()
        ]
