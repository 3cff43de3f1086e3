"""A claim: the row that says which operation stands for a repeated request, and the rule that reads it. Pure.

The claim points at an operation; the operation's own row says how far it has come. So nothing is written when an
operation is voided or becomes uncertain: whoever repeats the request reads the operation, and acts on what he sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from vectorgate.clock import MILLISECONDS
from vectorgate.ledger.entry import Resolution, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.ids import OperationId, TenantId
    from vectorgate.ledger.entry import LedgerEntry

EXPLICIT_SECONDS: Final = 86_400  # an `Idempotency-Key` is remembered for a day
IMPLICIT_SECONDS: Final = 600  # an SDK gives up well before: 3 attempts, at most 8 s apart (and 120 s if asked to wait)
# An operation that is still `started` after this was left behind by a crash: the gateway answers within 28 s.
LEASE_MS: Final = 60_000
# Rows are removed this long after they ceased to count, so that none goes while its operation is still looked for.
GRACE_SECONDS: Final = 6 * 86_400
MAX_KEPT: Final = 64 * 1024  # characters of an answer. OpenAI's are about 600; 16 full metadata values make 10,000
ONLY: Final = "0"  # the slot of an explicit key, which one operation holds at a time
MAX_HELD: Final = 25  # the newest attempts at one request that are looked at

_RETRIED: Final = frozenset({408, 409, 429})  # and 5xx: what the official clients repeat
_NEVER_RETRIED: Final = frozenset({"insufficient_quota"})
_FIRST_5XX: Final = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyRecord:
    """`operation_id` was begun for the request of that `fingerprint`.

    (tenant, name) is the request's place: a hash of the operation and the client's key, or of key, operation and body.
    `slot` is ONLY for an explicit key, else the operation's own id, for identical requests are not repetitions of one
    another. `attempt` is how often the client says it had tried before. `status` and `body` are the answer to replay,
    None as long as there is none.
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
    """What became of an operation, for somebody who asks for the same once more. In order of precedence."""

    FREE = auto()  # nothing was executed: do it now
    IN_FLIGHT = auto()  # being done at this moment
    LAPSED = auto()  # begun, and left behind by a crash
    UNKNOWN = auto()  # being found out, or never to be: something was made, perhaps by somebody else
    DONE = auto()


def record_status(idempotency: IdempotencyRecord, entry: LedgerEntry | None, now_ms: int) -> RecordStatus:
    """How the claim's operation stands."""
    if entry is None or (entry.state is State.VOIDED and entry.found_by != Resolution.AMBIGUOUS):
        return RecordStatus.FREE
    if entry.state is State.STARTED:
        return (
            RecordStatus.IN_FLIGHT if now_ms < (entry.until_ms or entry.started_ms + LEASE_MS) else RecordStatus.LAPSED
        )
    if entry.state is State.UNCERTAIN:
        return RecordStatus.UNKNOWN
    # A day later the key may be used anew, but never while its operation is open.
    if idempotency.slot == ONLY and idempotency.expires_at * MILLISECONDS <= now_ms:
        return RecordStatus.FREE
    return RecordStatus.UNKNOWN if entry.state is State.VOIDED else RecordStatus.DONE


def repeatable(
    wanted: IdempotencyRecord, held: Sequence[tuple[IdempotencyRecord, LedgerEntry | None]]
) -> list[tuple[IdempotencyRecord, LedgerEntry | None]]:
    """Those attempts of which `wanted` may be the repetition: for an explicit key all, for an SDK's retry a few.

    An attempt that says of itself that it came later than the one before `wanted` is not one of them, nor is one that
    was voided with an answer that no SDK repeats.
    """
    if wanted.slot == ONLY:
        return list(held)
    oldest_ms = wanted.claimed_ms - IMPLICIT_SECONDS * MILLISECONDS
    return [
        (idempotency, entry)
        for idempotency, entry in held
        if idempotency.claimed_ms >= oldest_ms and idempotency.attempt < wanted.attempt and not _ended_for_good(entry)
    ]


def _ended_for_good(entry: LedgerEntry | None) -> bool:
    if entry is None or entry.state is not State.VOIDED or entry.found_by == Resolution.AMBIGUOUS:
        return False
    status = entry.status_code or 0
    return not (status in _RETRIED or status >= _FIRST_5XX) or entry.error_code in _NEVER_RETRIED
