"""Bind a request to the operation that is begun for it, or find that it was begun before.

::

    first     row, record --------> both are new: forwarded         ... answered: the answer is stored in the record
    again     row, record --------> conflict: read the operation of the record that is there
                voided        not executed: take the record over, and execute
                started       409, x-should-retry: true             (past its lease: it becomes `uncertain`)
                uncertain     409, x-should-retry: false            until reconciliation, or always if `ambiguous`
                answered      the first answer, byte for byte
                other body, API key or end user    422

The row is written before the record, each by a write of its own: a record never names an operation that can still
begin. Of a crash between them there is a row that was never forwarded, and no trace in the record.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import DO_NOT_RETRY, Conflict, Unprocessable
from vectorgate.api.http import encode_json
from vectorgate.api.safety import Safety
from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.idempotency.record import (
    EXPLICIT_SLOT,
    EXPLICIT_TTL_SECONDS,
    IMPLICIT_TTL_SECONDS,
    MAX_ATTEMPTS_READ,
    MAX_STORED_ANSWER,
    IdempotencyRecord,
    RecordStatus,
    earlier_attempts,
    is_same_request,
    record_status,
)
from vectorgate.ledger.entry import Resolution, State, uuid7
from vectorgate.store_errors import IdempotencyConflict, StateConflict

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.command import Command
    from vectorgate.clock import Clock
    from vectorgate.ids import TenantId
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore

MAX_BEGIN_ATTEMPTS: Final = 4  # each failed one means that a concurrent repetition won
IN_FLIGHT_RETRY_SECONDS: Final = 1
UNKNOWN_RETRY_SECONDS: Final = 60  # about the interval of reconciliation
_HOUR_MS: Final = 3_600_000


@dataclass(frozen=True, slots=True)
class IdempotencyService:
    """The idempotency protocol, over a ledger."""

    ledger: LedgerStore
    clock: Clock

    def earlier(
        self, begun: LedgerEntry, record: IdempotencyRecord | None, *, always: bool
    ) -> IdempotencyRecord | None:
        """The record to replay (it has an answer) or to take over, of a call that repeats another; before it begins.

        Looked for if the client says that it repeats a call or, with a key, `always`. Conflict (409) or Unprocessable
        (422) when the call may neither be forwarded nor replayed. StoreError passes through.
        """
        if record is None or (record.attempt == 0 and not (always and record.slot == EXPLICIT_SLOT)):
            return None
        return self.find(record, begun)

    def bind(
        self, begun: LedgerEntry, record: IdempotencyRecord, earlier: IdempotencyRecord | None
    ) -> tuple[IdempotencyRecord, bool]:
        """Bind the request to its row, which is written: the record, and False. The call may then be forwarded.

        Or an earlier call's record, and True: its answer is to be replayed. `earlier`: the record to take over.
        Conflict (409) or Unprocessable (422) when there is no answer yet. StoreError passes through.
        """
        for _ in range(MAX_BEGIN_ATTEMPTS):
            bound = replace(record, slot=earlier.slot) if earlier is not None else record
            try:
                self.ledger.bind(bound, takeover_of=earlier)
            except IdempotencyConflict:
                earlier = self.find(record, begun)
                if earlier is not None and earlier.status is not None:
                    return earlier, True
            else:
                return bound, False
        raise _in_flight()

    def find(self, record: IdempotencyRecord, begun: LedgerEntry) -> IdempotencyRecord | None:
        """The record to replay (it has an answer) or to take over (it has none); None when there is neither."""
        explicit = record.slot == EXPLICIT_SLOT
        start = EXPLICIT_SLOT if explicit else first_slot(record.claimed_ms)
        stored = self.ledger.idempotency_records(record.tenant, record.name, start=start, limit=MAX_ATTEMPTS_READ)
        candidates = [(candidate, self.ledger.entry(candidate.operation_id)) for candidate in stored]
        now_ms = self.clock.unix_ms()
        attempts = [
            (record_status(candidate, entry, now_ms), candidate, entry)
            for candidate, entry in earlier_attempts(record, candidates)
        ]
        for status in RecordStatus:
            for attempt_status, attempt, entry in attempts:
                if attempt_status is not status:
                    continue
                if entry is None or status is RecordStatus.NOT_EXECUTED:
                    return replace(attempt, status=None, body=None)
                if not is_same_request(record, begun, attempt, entry):
                    raise _key_reused()
                return self._resolve(status, attempt, entry)
        return None

    def _resolve(self, status: RecordStatus, earlier: IdempotencyRecord, entry: LedgerEntry) -> IdempotencyRecord:
        """The earlier record, with the answer that is to be replayed. Conflict when there is none."""
        if status is RecordStatus.IN_FLIGHT:
            raise _in_flight()
        if status is RecordStatus.ABANDONED:
            self._mark_uncertain(entry)
        if status is not RecordStatus.COMPLETED:
            raise _outcome_unknown()
        if earlier.body is None:
            raise _answer_not_stored(entry)
        return earlier

    def _mark_uncertain(self, entry: LedgerEntry) -> None:
        """Hand an abandoned operation to reconciliation, which determines whether it was executed."""
        try:
            self.ledger.advance(entry.transition(State.UNCERTAIN), since=State.STARTED)
        except StateConflict:
            return  # it was concluded meanwhile, or another repetition marked it


# ----------------------------------------------------------------------------------------------- the record of a call


def first_slot(claimed_ms: int) -> str:
    """The first slot of a record without a key that was claimed then: of an operation that it took over, at most."""
    return uuid7(max(0, claimed_ms - _HOUR_MS), 0)


def record_for(
    command: Command, key: str | None, retry_count: int | None, entry: LedgerEntry
) -> IdempotencyRecord | None:
    """The record that detects a repetition of this call: by the client's key, else, for a create, by caller and body.

    None for reads and mocked calls. Without a key also None for a transient create, because two equal parts of a file
    are two parts, and where `retry_count` is None.
    """
    operation = command.operation
    if operation.safety is Safety.READ or command.mock_response is not None:
        return None
    if key is not None:
        ids = [f"{name}={value}" for name, value in sorted(command.ids.items())]
        fingerprint = _hash(str(entry.provider), *ids, str(entry.fingerprint))
        return explicit_record(entry, explicit_record_name(entry.operation, key), fingerprint)
    if operation.safety is Safety.CREATE and not operation.transient and retry_count is not None:
        return implicit_record(entry, retry_count)
    return None


def explicit_record_name(operation: str, key: str) -> str:
    """The name of an `Idempotency-Key`'s record, within its tenant."""
    return _hash("explicit", operation, key)


def explicit_record(entry: LedgerEntry, name: str, fingerprint: str) -> IdempotencyRecord:
    """The record of a call with an `Idempotency-Key`."""
    return IdempotencyRecord(
        tenant=_tenant(entry),
        name=name,
        slot=EXPLICIT_SLOT,
        fingerprint=fingerprint,
        operation_id=entry.id,
        claimed_ms=entry.started_ms,
        expires_at=entry.started_ms // MILLISECONDS + EXPLICIT_TTL_SECONDS,
    )


def implicit_record(entry: LedgerEntry, attempt: int = 0) -> IdempotencyRecord | None:
    """The record of a create without an `Idempotency-Key`; None when the body has no fingerprint."""
    if entry.fingerprint is None:
        return None
    parent = str(entry.vector_store_id or entry.upload_id)  # one body below two parents is two requests
    caller = [str(entry.key_id)] if entry.end_user is None else [str(entry.key_id), entry.end_user]
    name = _hash("implicit", *caller, entry.operation, parent, entry.fingerprint)
    return IdempotencyRecord(
        tenant=_tenant(entry),
        name=name,
        slot=entry.id,
        fingerprint=entry.fingerprint,
        operation_id=entry.id,
        claimed_ms=entry.started_ms,
        expires_at=entry.started_ms // MILLISECONDS + IMPLICIT_TTL_SECONDS,
        attempt=attempt,
    )


def with_answer(record: IdempotencyRecord, status: int, body: bytes) -> IdempotencyRecord:
    """The record with the answer to replay. Of an answer beyond MAX_STORED_ANSWER only the status is stored."""
    return replace(record, status=status, body=body.decode("utf-8") if len(body) <= MAX_STORED_ANSWER else None)


def answer_to_keep(
    record: IdempotencyRecord | None, entry: LedgerEntry, status: int, document: Mapping[str, object] | None
) -> IdempotencyRecord | None:
    """The record with the document that repetitions will get; None when there is nothing that may be replayed.

    Without a key, the answer of a request that its client may have received is never another one's.
    """
    if record is None or document is None:
        return None
    if record.slot != EXPLICIT_SLOT and entry.may_have_reached_its_client:
        return None
    return with_answer(record, status, encode_json(document))


def _tenant(entry: LedgerEntry) -> TenantId:
    if entry.tenant is None:
        raise ValueError("an unauthenticated call has no idempotency record")
    return entry.tenant


def _hash(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


# ------------------------------------------------------------------------------------------------------------- errors


def _key_reused() -> Unprocessable:
    return Unprocessable(
        "Keys for idempotent requests can only be used with the same parameters, by the same API key and for the same "
        "end user as they were first used with.",
        code="idempotency_key_reused",
        param="Idempotency-Key",
    )


def _in_flight() -> Conflict:
    return Conflict(
        "The same request is being processed at this moment.",
        code="idempotency_in_flight",
        headers={"retry-after": str(IN_FLIGHT_RETRY_SECONDS)},
    )


def _outcome_unknown() -> Conflict:
    return Conflict(
        "It is not known whether the first of these requests was executed. It is executed again only if "
        "it turns out that it was not.",
        code="idempotency_outcome_unknown",
        headers={"retry-after": str(UNKNOWN_RETRY_SECONDS), **DO_NOT_RETRY},
    )


def _answer_not_stored(entry: LedgerEntry) -> Conflict:
    created = entry.batch_id or entry.file_id or entry.response_id or entry.vector_store_id
    was = f"was executed ({created or 'without an object'}), but its answer was not kept"
    lost = "may have been executed: its answer was lost, and it is charged at its ceiling. Send another key"
    return Conflict(
        f"The first of these requests {lost if entry.found_by == Resolution.CEILING else was}.",
        code="idempotency_answer_not_kept",
        headers=DO_NOT_RETRY,
    )
