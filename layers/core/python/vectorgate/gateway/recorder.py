"""The ledger row of a call, from its beginning to its end.

::

    begin     started                              before anything is sent; a read gets its row when it ends
    commit    started -> answered                  with the ownership of what was created or deleted
    fail      started -> uncertain | voided        uncertain when the provider may have executed the call

`CallRecorder` writes; `rows` computes the row that follows from a step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vectorgate.api.errors import OutcomeUnknown, Unauthenticated, Unavailable
from vectorgate.api.operations import Safety
from vectorgate.budgets.service import NO_RESERVATION
from vectorgate.clock import MILLISECONDS
from vectorgate.gateway.rows import (
    Times,
    answered_entry,
    begun_entry,
    durations,
    failed_entry,
    owned_by_commit,
    record_with_answer,
    replayed_entry,
    retired_by_commit,
    started_entry,
)
from vectorgate.idempotency.record import EXPLICIT_SLOT
from vectorgate.idempotency.service import record_for
from vectorgate.ledger.entry import LedgerEntry, State, uuid7
from vectorgate.pricing.book import UNPRICED
from vectorgate.store_errors import AlreadyExists, OverBudget, StateConflict, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from vectorgate.api.command import Command
    from vectorgate.api.errors import ApiError
    from vectorgate.auth.token_bucket import TokenBucket
    from vectorgate.auth.token_rate import TokenRates
    from vectorgate.budgets.service import BudgetService
    from vectorgate.clock import Clock
    from vectorgate.gateway.context import RequestContext
    from vectorgate.gateway.policy import Policy
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.idempotency.service import IdempotencyService
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.base import Answer
    from vectorgate.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecorder:
    """Writes the row of a call at each step of the pipeline.

    `anonymous_limiter` bounds the rows that unauthenticated callers can make the gateway write.
    """

    ledger: LedgerStore
    idempotency: IdempotencyService
    budgets: BudgetService
    book: PriceBook
    clock: Clock
    telemetry: Telemetry
    anonymous_limiter: TokenBucket
    token_rates: TokenRates

    def begin(self, context: RequestContext, command: Command, policy: Policy) -> IdempotencyRecord | None:
        """Write the row of a call that may change something at the provider, before the call is sent.

        One transaction holds the row, its reservations and the record that detects a repetition. Return the record of
        an earlier call whose answer is to be replayed, or None when this call is to be forwarded.
        Errors: Conflict (409), Unprocessable (422), BudgetExceeded (429), Unavailable (503).
        """
        context.entry = entry = started_entry(context)
        if command.operation.safety is Safety.READ:
            return None
        record = record_for(command, policy.idempotency_key, policy.retry_count, entry)
        if record is not None and record.slot == EXPLICIT_SLOT:
            # The row of a replay or of a refused repetition has the name too.
            context.entry = entry = entry.changed(idempotency_name=record.name)
        try:
            plan = self.budgets.plan(context.budgets, command, entry) if context.budgets else NO_RESERVATION
            begun = begun_entry(entry, plan)
            earlier = self.idempotency.begin(begun, record, plan.reserve)
        except OverBudget as error:
            raise self.budgets.exceeded(context.budgets, error.account, plan.amount) from error
        except StoreError as error:
            raise _ledger_unavailable() from error
        if earlier is not None:
            context.entry = replayed_entry(entry, context, earlier, self._now(), self.book)
            self._record(context.entry, context)
            return earlier
        context.entry, context.idempotency, context.recorded = begun, record, True
        return None

    def commit(self, context: RequestContext, command: Command, answer: Answer) -> None:
        """Move the row to `answered`, with the ownership of what was created or deleted, in one transaction.

        When that fails after a change at the provider, the client still gets its answer: the change took place, and
        reconciliation completes the row that still says `started`. A read whose row cannot be written fails with
        Unavailable (503): no call goes unrecorded, and a read can be repeated. So does a create that was sent more than
        once (OutcomeUnknown, 502): the sweep removes what another of its attempts made.
        """
        started = context.entry
        if started is None:
            raise ValueError("commit before begin")
        context.entry = entry = answered_entry(started, context, answer, self._now())
        if entry.quarantined:
            self.telemetry.count("QuarantinedSizes")
        if entry.input_tokens is not None:
            self.count_tokens(context)
            if self.book.charge_for(entry).price_id == UNPRICED:
                self.telemetry.count("Unpriced")
        if not context.recorded:
            self._record(entry, context)
            return
        try:
            self._write_answered(started, entry, context, command, answer)
        except StoreError as error:
            self.telemetry.commit_failed(entry, error)
            if isinstance(error, AlreadyExists):
                raise _id_not_new() from error
            if context.repeated:
                raise _not_recorded() from error

    def note_repeat(self, context: RequestContext, bits: int) -> None:
        """Write, before a create is sent again, that an earlier attempt may still be executed. Unavailable (503).

        `bits`: 74 random ones. The note is a row of its own, open until no attempt can be executed any more: what turns
        up with the call's tag besides the call's object is removed.
        """
        if context.entry is None:
            raise ValueError("note_repeat before begin")
        note = context.entry.changed(
            id=uuid7(context.started_ms, bits), attempt_of=context.id, budgets=(), reserved=None, idempotency_name=None
        )
        try:
            self.ledger.begin(note)
        except StoreError as error:
            raise _ledger_unavailable() from error
        context.repeated = True

    def _write_answered(
        self, started: LedgerEntry, entry: LedgerEntry, context: RequestContext, command: Command, answer: Answer
    ) -> None:
        """Write the answered row, at a second try if the first fails. AlreadyExists: what was created has an owner."""
        since = started.state
        for last in (False, True):
            try:
                self.ledger.advance(
                    entry,
                    since=since,
                    owned=owned_by_commit(command, answer, entry),
                    retired=retired_by_commit(command, answer, entry),
                    at=int(self.clock.wall()),
                    idempotency=record_with_answer(context.idempotency, answer),
                )
            except StoreUnavailable:
                if last:
                    raise
            except StateConflict as error:
                row = self.ledger.entry(entry.id)
                if row is None or row.state is since:
                    raise AlreadyExists("the object") from error
                if row.state is not State.UNCERTAIN and row.vector_store_id == entry.vector_store_id:
                    return  # the first write took place after all, or the sweep found the same object
                if last or row.state is not State.UNCERTAIN:
                    raise
                since = row.state
            else:
                return

    def fail(self, context: RequestContext, error: ApiError) -> None:
        """Write the row of a call that ends in an error. A store that fails is reported to telemetry, not raised."""
        context.error = error
        started = context.entry if context.entry is not None else started_entry(context)
        if started.state is not State.STARTED:
            return  # `error` is that the answered or replayed row could not be written
        context.entry = entry = failed_entry(started, context, error, self._now(), self.book)
        if isinstance(error, Unauthenticated) and not self.anonymous_limiter.try_acquire():
            return
        try:
            if context.recorded:
                self.ledger.advance(entry, since=started.state)
            else:
                self.ledger.begin(entry)
        except StoreError as store_error:
            self.telemetry.commit_failed(entry, store_error)

    def _record(self, entry: LedgerEntry, context: RequestContext) -> None:
        """Write a row that begins and ends here. Unavailable (503) when the ledger does not accept it."""
        try:
            self.ledger.begin(entry)
        except StoreError as error:
            raise _ledger_unavailable() from error
        context.recorded = True

    def count_tokens(self, context: RequestContext) -> None:
        """Count the tokens of a response against its key's limit a minute."""
        if context.principal is not None and context.entry is not None:
            tokens = (context.entry.input_tokens or 0) + (context.entry.output_tokens or 0)
            self.token_rates.add(context.principal.key, tokens)

    def ended(self, context: RequestContext) -> dict[str, object]:
        """The columns that say when a call ended, and how long it took."""
        return durations(context, self._now())

    def _now(self) -> Times:
        return Times(ended_ms=int(self.clock.wall() * MILLISECONDS), ended=self.clock.monotonic())


def _ledger_unavailable() -> Unavailable:
    return Unavailable("The gateway cannot record calls at this moment.", code="ledger_unavailable")


def _id_not_new() -> OutcomeUnknown:
    """The provider answered a create with an object that has an owner already: no other caller may see it."""
    return OutcomeUnknown(
        "The provider's answer is about an object that is not new.", status=502, type="server_error", code="id_not_new"
    )


def _not_recorded() -> OutcomeUnknown:
    """The ledger does not say which of a create's attempts counts: its object may be the one that is removed."""
    return OutcomeUnknown(
        "The provider's answer cannot be recorded.", status=502, type="server_error", code="answer_not_recorded"
    )
