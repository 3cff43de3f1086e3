"""Begin an operation, or find that it was begun before.

::

    first     begin + claim ------> both new: forwarded        ... answered: the answer is kept in the claim
    again     begin + claim ------> claimed: read the operation that holds it
                voided        nothing was executed: take the claim over, and execute
                started       409, x-should-retry: true        (older than LEASE_MS: it becomes `uncertain`)
                uncertain     409, x-should-retry: false       the meter is finding out (or could not: `ambiguous`)
                answered      the first answer, byte for byte
                other body    422
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import DO_NOT_RETRY, Conflict, Unprocessable
from vectorgate.api.operations import Safety
from vectorgate.clock import MILLISECONDS
from vectorgate.idempotency.record import (
    EXPLICIT_SECONDS,
    IMPLICIT_SECONDS,
    MAX_HELD,
    MAX_KEPT,
    ONLY,
    IdempotencyRecord,
    RecordStatus,
    record_status,
    repeatable,
)
from vectorgate.ids import uuid7
from vectorgate.ledger.entry import State
from vectorgate.store_errors import IdempotencyConflict, StateConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.api.command import Command
    from vectorgate.budgets.model import Reservation
    from vectorgate.clock import Clock
    from vectorgate.ids import TenantId
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore

ROUNDS: Final = 4  # each lost round means that somebody else won it
IN_FLIGHT_SECONDS: Final = 1
FINDING_OUT_SECONDS: Final = 60  # about the interval of the meter
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class IdempotencyService:
    """The protocol, over a ledger."""

    ledger: LedgerStore
    clock: Clock

    def begin(
        self, entry: LedgerEntry, idempotency: IdempotencyRecord | None, reserve: Sequence[Reservation] = ()
    ) -> IdempotencyRecord | None:
        """Begin the row, and None: now it may be forwarded. Or the claim whose answer is to be replayed.

        Conflict (409) or Unprocessable (422) when neither may be. StoreError and OverBudget pass through.
        """
        takeover_of = None
        if idempotency is not None and idempotency.attempt > 0:
            found = self._found(idempotency)
            if found is not None and found.status is not None:
                return found
            takeover_of = found
        for _ in range(ROUNDS):
            try:
                self.ledger.begin(entry, idempotency=idempotency, takeover_of=takeover_of, reserve=reserve)
            except IdempotencyConflict:
                if idempotency is None:
                    raise
                found = self._found(idempotency)
                if found is not None and found.status is not None:
                    return found
                takeover_of = found
            else:
                return None
        raise _in_flight()

    def _found(self, wanted: IdempotencyRecord) -> IdempotencyRecord | None:
        """The claim to replay (it has an answer), the one to take over (it has none), or None: there is none left."""
        start = ONLY if wanted.slot == ONLY else uuid7(max(0, wanted.claimed_ms - _HOUR_MS), 0)
        idempotency_records = self.ledger.idempotency_records(wanted.tenant, wanted.name, start=start, limit=MAX_HELD)
        held = [(idempotency, self.ledger.entry(idempotency.operation_id)) for idempotency in idempotency_records]
        return self._judged(wanted, repeatable(wanted, held))

    def _judged(
        self, wanted: IdempotencyRecord, held: Sequence[tuple[IdempotencyRecord, LedgerEntry | None]]
    ) -> IdempotencyRecord | None:
        now_ms = self.clock.unix_ms()
        standings = [(record_status(idempotency, entry, now_ms), idempotency, entry) for idempotency, entry in held]
        for wanted_standing in RecordStatus:
            for found, idempotency, entry in standings:
                if found is wanted_standing:
                    return self._answered_for(found, wanted, idempotency, entry)
        return None

    def _answered_for(
        self, found: RecordStatus, wanted: IdempotencyRecord, idempotency: IdempotencyRecord, entry: LedgerEntry | None
    ) -> IdempotencyRecord:
        if found is RecordStatus.FREE:
            return _unanswered(idempotency)
        if idempotency.fingerprint != wanted.fingerprint:
            raise Unprocessable(
                "Keys for idempotent requests can only be used with the same parameters they were first used with.",
                code="idempotency_key_reused",
                param="Idempotency-Key",
            )
        if found is RecordStatus.IN_FLIGHT:
            raise _in_flight()
        if found is RecordStatus.LAPSED and entry is not None:
            self._leave_to_the_meter(entry)
        if found is not RecordStatus.DONE:
            raise _unknown()
        if idempotency.body is None:
            raise _not_kept(entry)
        return idempotency

    def _leave_to_the_meter(self, entry: LedgerEntry) -> None:
        """A crash left it behind. Whether it was executed is found out, never tried."""
        try:
            self.ledger.advance(entry.transition(State.UNCERTAIN), since=State.STARTED)
        except StateConflict:
            return  # it was not left behind after all, or somebody else has noticed


# ------------------------------------------------------------------------------------------- the records of a call


def explicit_name(operation: str, key: str) -> str:
    """The place of an `Idempotency-Key`, within its tenant."""
    return _hash("explicit", operation, key)


def explicit_record(entry: LedgerEntry, name: str, fingerprint: str) -> IdempotencyRecord:
    """What the caller's row claims under a key of its own choosing."""
    return IdempotencyRecord(
        tenant=_tenant(entry),
        name=name,
        slot=ONLY,
        fingerprint=fingerprint,
        operation_id=entry.id,
        claimed_ms=entry.started_ms,
        expires_at=entry.started_ms // MILLISECONDS + EXPLICIT_SECONDS,
    )


def record_for(
    command: Command, key: str | None, retry_count: int | None, entry: LedgerEntry
) -> IdempotencyRecord | None:
    """What recognises a repetition of this call: its client's key, else, for a create, its body.

    None for reads, and for what is mocked; by its body alone also where `retry_count` is None, and for a transient
    create: two equal parts of a file are two, and so are two uploads of one name.
    """
    operation = command.operation
    if operation.safety is Safety.READ or command.mock_response is not None:
        return None
    if key is not None:
        named = [f"{name}={value}" for name, value in sorted(command.ids.items())]
        fingerprint = _hash(str(entry.provider), *named, str(entry.fingerprint))
        return explicit_record(entry, explicit_name(entry.operation, key), fingerprint)
    if operation.safety is Safety.CREATE and not operation.transient and retry_count is not None:
        return implicit_record(entry, retry_count)
    return None


def implicit_record(entry: LedgerEntry, attempt: int = 0) -> IdempotencyRecord | None:
    """What the row of a create claims by its key and body; None when the body has no fingerprint."""
    if entry.fingerprint is None:
        return None
    where = str(entry.vector_store_id or entry.upload_id)  # the path's: one body at two places is two requests
    name = _hash("implicit", str(entry.key_id), entry.operation, where, entry.fingerprint)
    return IdempotencyRecord(
        tenant=_tenant(entry),
        name=name,
        slot=entry.id,
        fingerprint=entry.fingerprint,
        operation_id=entry.id,
        claimed_ms=entry.started_ms,
        expires_at=entry.started_ms // MILLISECONDS + IMPLICIT_SECONDS,
        attempt=attempt,
    )


def _tenant(entry: LedgerEntry) -> TenantId:
    if entry.tenant is None:
        raise ValueError("a stranger claims nothing")
    return entry.tenant


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def with_answer(record: IdempotencyRecord, status: int, body: bytes) -> IdempotencyRecord:
    """The record with what is to be replayed; of an answer that is too large only that there was one is kept."""
    return replace(record, status=status, body=body.decode("utf-8") if len(body) <= MAX_KEPT else None)


# ----------------------------------------------------------------------------------------------------------- errors


def _unanswered(idempotency: IdempotencyRecord) -> IdempotencyRecord:
    return replace(idempotency, status=None, body=None)


def _in_flight() -> Conflict:
    return Conflict(
        "The same request is being processed at this moment.",
        code="idempotency_in_flight",
        headers={"retry-after": str(IN_FLIGHT_SECONDS)},
    )


def _unknown() -> Conflict:
    return Conflict(
        "It is not known whether the first of these requests was executed. While it is being found out, and where it "
        "cannot be, it is not executed a second time.",
        code="idempotency_outcome_unknown",
        headers={"retry-after": str(FINDING_OUT_SECONDS), **DO_NOT_RETRY},
    )


def _not_kept(entry: LedgerEntry | None) -> Conflict:
    made = entry and (entry.batch_id or entry.file_id or entry.vector_store_id)
    return Conflict(
        f"The first of these requests was executed ({made or 'without an object'}), but its answer was not kept.",
        code="idempotency_answer_not_kept",
        headers=DO_NOT_RETRY,
    )
