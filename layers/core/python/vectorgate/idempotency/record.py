"""The idempotency record, which binds a request to the operation begun for it, and the rules that read it. Pure.

A record points at an operation, and the operation's ledger row holds its state. So nothing has to be written to the
record when an operation is voided or becomes uncertain: the next repetition reads the row.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.ledger.entry import Resolution, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.ids import OperationId, TenantId
    from vectorgate.ledger.entry import LedgerEntry

EXPLICIT_TTL_SECONDS: Final = 86_400  # how long an `Idempotency-Key` is remembered
# An SDK gives up well before: 3 attempts, at most 8 s apart (120 s if the server asks for it).
IMPLICIT_TTL_SECONDS: Final = 600
# An operation that is still `started` after this was abandoned in a crash: the gateway answers within 28 s.
LEASE_MS: Final = 60_000
# Rows are removed this long after they expire, so that none disappears while its operation is being reconciled.
GRACE_SECONDS: Final = 6 * 86_400
# Characters of a stored answer. OpenAI's are about 600; 16 metadata values of full length make 10,000.
MAX_STORED_ANSWER: Final = 64 * 1024
EXPLICIT_SLOT: Final = "0"  # the one slot of an explicit key, held by one operation at a time
MAX_ATTEMPTS_READ: Final = 25  # the newest attempts at one request that are considered

_RETRIED: Final = frozenset({408, 409, 429})  # with 5xx, the statuses that the official clients retry
_NEVER_RETRIED: Final = frozenset({"insufficient_quota"})
_FIRST_5XX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """`operation_id` was begun for the request with that `fingerprint`.

    (tenant, name) identifies the request: a hash of the operation and the client's key, or of key, operation and body.
    `slot` is EXPLICIT_SLOT for an explicit key, else the first operation's id, because identical requests without a key
    need not be repetitions. `claimed_ms`: Unix milliseconds at which the operation began. `expires_at`: Unix seconds.
    `attempt`: the earlier attempts that the client declares. `status` and `body`: the answer to replay, or None.
    """

    tenant: TenantId
    name: str
    slot: str
    fingerprint: str
    operation_id: OperationId
    claimed_ms: int
    expires_at: int
    attempt: int = 0
    status: int | None = None
    body: str | None = None

    @property
    def removed_at(self) -> int:
        """When the row may be removed, Unix seconds."""
        return self.expires_at + GRACE_SECONDS


class RecordStatus(Enum):
    """The status of an operation for a repetition of its request, in order of precedence."""

    NOT_EXECUTED = auto()  # the repetition may execute it
    IN_FLIGHT = auto()
    ABANDONED = auto()  # begun, and not concluded within its lease
    UNKNOWN = auto()  # awaiting reconciliation, or permanently ambiguous
    COMPLETED = auto()


def record_status(record: IdempotencyRecord, entry: LedgerEntry | None, now_ms: int) -> RecordStatus:
    """The status of the record's operation; `entry` is the operation's ledger row.

    A response that runs on after its answer is uncertain, and its answer is replayed all the same.
    """
    if entry is None or (entry.state is State.VOIDED and entry.found_by != Resolution.AMBIGUOUS):
        return RecordStatus.NOT_EXECUTED
    if entry.state is State.STARTED:
        lease_ends_ms = entry.until_ms or entry.started_ms + LEASE_MS
        return RecordStatus.IN_FLIGHT if now_ms < lease_ends_ms else RecordStatus.ABANDONED
    # Only a response is answered before its row is: another answer may be of an object that does not count in the end.
    if entry.state is State.UNCERTAIN and (record.status is None or entry.response_id is None):
        return RecordStatus.UNKNOWN
    # An expired key may be used for a new request, but not while its operation is open: hence only here.
    if record.slot == EXPLICIT_SLOT and record.expires_at * MILLISECONDS <= now_ms:
        return RecordStatus.NOT_EXECUTED
    return RecordStatus.UNKNOWN if entry.state is State.VOIDED else RecordStatus.COMPLETED


def earlier_attempts(
    record: IdempotencyRecord, candidates: Sequence[tuple[IdempotencyRecord, LedgerEntry | None]]
) -> list[tuple[IdempotencyRecord, LedgerEntry | None]]:
    """The candidates that `record` may repeat: with an explicit key all of them, for an SDK's retry a few.

    An SDK's retry repeats neither an attempt with the same or a higher retry count, nor one that was voided with an
    answer that no SDK retries, nor one whose answer its client may have got, which is another request.
    """
    if record.slot == EXPLICIT_SLOT:
        return list(candidates)
    oldest_ms = record.claimed_ms - IMPLICIT_TTL_SECONDS * MILLISECONDS
    return [
        (candidate, entry)
        for candidate, entry in candidates
        if candidate.claimed_ms >= oldest_ms
        and candidate.attempt < record.attempt
        and not _was_final(entry)
        and not (entry is not None and entry.may_have_reached_its_client)
    ]


def is_same_request(
    record: IdempotencyRecord, begun: LedgerEntry, earlier: IdempotencyRecord, row: LedgerEntry
) -> bool:
    """Whether `begun`, with its `record`, repeats `row`: the same body, by the same key, for the same end user."""
    same_caller = (begun.key_id, begun.end_user) == (row.key_id, row.end_user)
    return same_caller and record.fingerprint == earlier.fingerprint


def _was_final(entry: LedgerEntry | None) -> bool:
    """Whether the attempt was voided with an answer that no SDK retries."""
    if entry is None or entry.state is not State.VOIDED or entry.found_by == Resolution.AMBIGUOUS:
        return False
    status = entry.status_code or 0
    return not (status in _RETRIED or status >= _FIRST_5XX) or entry.error_code in _NEVER_RETRIED
