"""Resolve one open row: it was executed (answered), is looked for again later, or is void."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from vectorgate.api.http import encode_json
from vectorgate.api.operations import BY_NAME
from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.idempotency.record import EXPLICIT_SLOT, EXPLICIT_TTL_SECONDS
from vectorgate.idempotency.service import first_slot, implicit_record, with_answer
from vectorgate.ids import ObjectId, ProviderName
from vectorgate.ledger.entry import Resolution, State
from vectorgate.ledger.generation import ceiling_facts, ended_response, is_running, produced
from vectorgate.ledger.reconciliation.matching import MAX_DELAY_S, MAX_REQUEST_S, contended_until_ms
from vectorgate.ledger.reconciliation.probes import PROBES, deletion_answer, path_ids, retired_objects
from vectorgate.ledger.reconciliation.uploads import announced_uploads
from vectorgate.pricing.book import NOT_EXECUTED
from vectorgate.pricing.money import ZERO
from vectorgate.providers.openai import without_tag
from vectorgate.tenancy.ownership import LISTED_KINDS, OWNED_COLUMN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.clock import Clock
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.ids import ObjectKind, OperationId
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.ledger.reconciliation.matching import Matches
    from vectorgate.providers.reader import Document, ProviderReader
    from vectorgate.tenancy.ports import OwnershipStore

GENERATING: Final = frozenset(operation.name for operation in BY_NAME.values() if operation.generates)
RECORDS_READ: Final = 100  # of equal requests without a key
RETRIEVE_RESPONSE: Final = "responses.retrieve"
SECOND_LOOK_MS: Final = 30_000  # a provider's list may lag behind its own creates, by far less than this
# After the end of a request: until then a provider may execute it, and its list may not show that yet.
ABSENT_MS: Final = MAX_DELAY_S * MILLISECONDS + SECOND_LOOK_MS


class Outcome(StrEnum):
    """What a sweep did with a row. Metrics are named after it (`ReconciledAdopted`)."""

    ADOPTED = "adopted"  # its object was found by its tag
    WEAK = "weak"  # its object was found by its fingerprint and time
    REMOVED = "removed"  # an attempt of a create that was sent again had made a second object
    DONE = "done"  # its object shows that it was executed
    CEILING = "ceiling"  # a response that may have been executed, and of which nothing else is known
    VOIDED = "voided"  # it was not executed, or that cannot be known
    AMBIGUOUS = "ambiguous"  # voided: what was found can be another operation's object
    LOOKED = "looked"  # not found, or ambiguous, for the first time
    WAITING = "waiting"  # not old enough to be decided
    FAILED = "failed"  # left as it is: the provider or the store failed, or the time was over


@dataclass(frozen=True, slots=True)
class Resolver:
    """Writes the outcome of a row. Its errors are StoreError and ApiError; the row is then left as it is."""

    ledger: LedgerStore
    ownership: OwnershipStore
    reader: ProviderReader
    clock: Clock

    def resolve_create(self, row: LedgerEntry, kind: ObjectKind, matches: Matches) -> Outcome:
        """Resolve a row that creates an object of a listed kind, by what the list showed."""
        if self._is_under_way(row):
            return Outcome.WAITING
        if row.attempt_of is not None:
            return self._resolve_attempt(row, row.attempt_of, matches.attempts.get(row.id, ()))
        if row.id in matches.found:
            document, evidence = matches.found[row.id]
            self._adopt(row, kind, document, evidence)
            return Outcome.WEAK if evidence is Resolution.FUZZY_FINGERPRINT else Outcome.ADOPTED
        if row.id in matches.undecided:
            return Outcome.WAITING
        # A row that was ambiguous once stays so: the list may have lagged.
        if row.id in matches.ambiguous or row.found_by == Resolution.AMBIGUOUS:
            return self._resolve_ambiguous(row)
        return self._resolve_missing(row)

    def _resolve_attempt(self, row: LedgerEntry, create: OperationId, made: Sequence[Document]) -> Outcome:
        """Remove what an attempt made besides the object of its create, which was sent again."""
        concluded = self.ledger.entry(create)
        if concluded is None or (concluded.vector_store_id is None and concluded.state is not State.VOIDED):
            return self._resolve_missing(row) if row.first_absent_ms is None else Outcome.WAITING
        surplus = [document for document in made if document["id"] != concluded.vector_store_id]
        for document in surplus:
            self.reader.remove_store(ProviderName(str(row.provider)), str(document["id"]))
        if not surplus:
            return self._resolve_missing(row)
        removed = {"first_absent_ms": row.first_absent_ms or self.clock.unix_ms(), "found_by": Resolution.DUPLICATE}
        self.ledger.advance(row.transition(State.UNCERTAIN, **removed), since=row.state)
        return Outcome.REMOVED

    def resolve_unsent(self, row: LedgerEntry) -> Outcome | None:
        """Void a row that did not reserve all, or whose idempotency record is another's, or absent; None: it was sent.

        While its call may still be sent it waits, and nothing in a list can be what it made.

        A call is sent once its record leads to its row, which it does as long as the row is open. Only rows without a
        status are looked at: the others ended with their answer, and were sent.
        """
        if row.reserving and not self._is_under_way(row) and not self.ledger.is_reserved(row):
            return self._void(row, Resolution.ABSENT)
        if row.status_code is not None or not _is_sent_with_record(row):
            return None
        if self.clock.unix_ms() >= row.started_ms + EXPLICIT_TTL_SECONDS * MILLISECONDS:
            return None  # its record may have been removed
        records = self._idempotency_records(row)
        if len(records) == RECORDS_READ or any(record.operation_id == row.id for record in records):
            return None  # where as many were read as there may be, its own may be an older one
        return Outcome.WAITING if self._is_under_way(row) else self._void(row, Resolution.ABSENT)

    def resolve_other(self, row: LedgerEntry, provider: ProviderName) -> Outcome:
        """Resolve any other row: by its object, or void it at once where nothing shows whether it was executed."""
        if self._is_under_way(row):
            return Outcome.WAITING
        if row.response_id is not None and row.operation in GENERATING:
            return self._resolve_response(row, provider)
        if row.operation not in PROBES:
            return self._charge_ceiling(row) if row.ceiling else self._void(row, Resolution.UNKNOWABLE)
        probe = PROBES[row.operation]
        document = self.reader.find(provider, probe.retrieve, path_ids(row, probe.retrieve))
        if not probe.proves_execution(document):
            return self._resolve_missing(row)
        self._conclude(row, document)
        return Outcome.DONE

    def _resolve_response(self, row: LedgerEntry, provider: ProviderName) -> Outcome:
        """Charge a response that continued, or whose stream broke, by the provider's present description of it."""
        document = self.reader.find(provider, RETRIEVE_RESPONSE, {"response_id": str(row.response_id)})
        if document is None:
            return self._resolve_missing(row) if row.input_tokens is None else self._charge_estimate(row)
        if is_running(document):
            return Outcome.WAITING
        answered = ended_response(row, document, self.clock.unix_ms())
        self.ledger.advance(answered, since=row.state, owned=produced(answered, document))
        return Outcome.DONE

    def _charge_estimate(self, row: LedgerEntry) -> Outcome:
        """Charge a broken stream of a response that is not stored by what was passed on: nothing else is known."""
        marked = {"quarantined": (*row.quarantined, "usage"), "found_by": Resolution.ESTIMATE}
        self.ledger.advance(row.transition(State.ANSWERED, **marked), since=row.state)
        return Outcome.DONE

    def _charge_ceiling(self, row: LedgerEntry) -> Outcome:
        """Charge a response whose answer was lost, or that was deleted before its usage was known, at its ceiling.

        No list shows it, and the provider charges for it if it was executed.
        """
        self.ledger.advance(
            row.transition(State.ANSWERED, ended_ms=row.ended_ms or self.clock.unix_ms(), **ceiling_facts(row)),
            since=row.state,
        )
        return Outcome.CEILING

    def _is_under_way(self, row: LedgerEntry) -> bool:
        """A large upload, or a stream, may take longer than other calls."""
        running = row.state is State.STARTED or (row.response_id is not None and row.ended_ms is None)
        return running and row.until_ms is not None and self.clock.unix_ms() < row.until_ms

    def _adopt(self, row: LedgerEntry, kind: ObjectKind, document: Document, evidence: Resolution) -> None:
        """Answer the row, with its owner, and with what a repetition of it is to be answered.

        It was sent, and so everything was reserved.
        """
        created = without_tag(document)
        object_id = {OWNED_COLUMN[kind]: ObjectId(str(document["id"]))}
        answered = row.transition(
            State.ANSWERED, found_by=evidence, ended_ms=self.clock.unix_ms(), reserving=None, **object_id
        )
        self.ledger.advance(
            answered,
            since=row.state,
            owned=[] if evidence is Resolution.OWNER else [answered.ownership_of(kind, created)],
            idempotency=self._answered_record(row, self._create_answer(row, created)),
        )

    def _conclude(self, row: LedgerEntry, document: Document | None) -> None:
        """Answer a row whose effect was found. That another operation had the same effect is possible, and harmless."""
        answered = row.transition(State.ANSWERED, found_by=Resolution.OBJECT, ended_ms=self.clock.unix_ms())
        self.ledger.advance(
            answered,
            since=row.state,
            retired=retired_objects(row),
            at=self.clock.unix_s(),
            idempotency=self._answered_record(row, document if document is not None else deletion_answer(row)),
        )

    def _resolve_missing(self, row: LedgerEntry) -> Outcome:
        """Note the first time; void the row at a later one, when the provider can no longer execute the request."""
        now_ms = self.clock.unix_ms()
        if row.first_absent_ms is None:
            self.ledger.advance(row.transition(State.UNCERTAIN, first_absent_ms=now_ms), since=row.state)
            return Outcome.LOOKED
        ended_ms = row.ended_ms or row.started_ms + MAX_REQUEST_S * MILLISECONDS
        is_absent = now_ms >= max(row.first_absent_ms + SECOND_LOOK_MS, ended_ms + ABSENT_MS)
        if not is_absent:
            return Outcome.WAITING
        if row.ceiling:
            return self._charge_ceiling(row)
        return self._void(row, Resolution.DUPLICATE if row.found_by == Resolution.DUPLICATE else Resolution.ABSENT)

    def _resolve_ambiguous(self, row: LedgerEntry) -> Outcome:
        """Note the first time; void the row once no other row can still contend with it."""
        now_ms = self.clock.unix_ms()
        if row.found_by != Resolution.AMBIGUOUS:
            looked = row.transition(
                State.UNCERTAIN, first_absent_ms=row.first_absent_ms or now_ms, found_by=Resolution.AMBIGUOUS
            )
            self.ledger.advance(looked, since=row.state)
            return Outcome.LOOKED
        return self._void(row, Resolution.AMBIGUOUS) if now_ms >= contended_until_ms(row) else Outcome.WAITING

    def _void(self, row: LedgerEntry, reason: Resolution) -> Outcome:
        voided = row.transition(
            State.VOIDED, found_by=reason, spend=ZERO, price_id=NOT_EXECUTED, ended_ms=self.clock.unix_ms()
        )
        self.ledger.advance(voided, since=row.state)
        return Outcome.AMBIGUOUS if reason is Resolution.AMBIGUOUS else Outcome.VOIDED

    def _create_answer(self, row: LedgerEntry, created: Document) -> Document:
        """The answer that the client would have got: the object, or the completed upload that holds it."""
        field = BY_NAME[row.operation].result_field
        if field is None:
            return created
        uploads = announced_uploads([row], self.ownership)
        upload = uploads.get(row.upload_id, {"id": row.upload_id, "object": "upload"})
        return {**upload, "status": "completed", field: created}

    def _answered_record(self, row: LedgerEntry, answer: Document) -> IdempotencyRecord | None:
        record = self._idempotency_record(row)
        return with_answer(record, 200, encode_json(answer)) if record is not None else None

    def _idempotency_record(self, row: LedgerEntry) -> IdempotencyRecord | None:
        """The record, by the client's key or by the body, that leads repetitions to this row; if it still does."""
        return next((record for record in self._idempotency_records(row) if record.operation_id == row.id), None)

    def _idempotency_records(self, row: LedgerEntry) -> Sequence[IdempotencyRecord]:
        """The newest RECORDS_READ records of the row's request, by the client's key (there is one) or by the body."""
        if row.tenant is None:
            return ()
        if row.idempotency_name is not None:
            return self.ledger.idempotency_records(row.tenant, row.idempotency_name, start=EXPLICIT_SLOT, limit=1)
        implicit = implicit_record(row)
        if implicit is None:
            return ()
        start = first_slot(row.started_ms)
        return self.ledger.idempotency_records(row.tenant, implicit.name, start=start, limit=RECORDS_READ)


def _is_sent_with_record(row: LedgerEntry) -> bool:
    """Whether the row is resolved by the idempotency record that leads to it before its call is sent.

    Each with the client's key. Without one, those whose object has no tag: equal requests may take it for theirs.
    """
    if row.idempotency_name is not None:
        return True
    is_untagged = row.fuzzy_fingerprint is not None and row.fingerprint is not None and row.attempt_of is None
    return is_untagged and BY_NAME[row.operation].creates in LISTED_KINDS
