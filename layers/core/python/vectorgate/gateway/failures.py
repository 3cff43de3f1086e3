"""The rows of calls that fail or repeat another, and the errors of calls that cannot be recorded or checked."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import OutcomeUnknown, Unauthenticated, Unavailable, UpstreamFailed
from vectorgate.classes import dataclass
from vectorgate.ledger.entry import LedgerEntry, State, uuid7
from vectorgate.pricing.book import NOT_EXECUTED, REPLAYED
from vectorgate.pricing.money import ZERO
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.errors import ApiError
    from vectorgate.auth.token_bucket import TokenBucket
    from vectorgate.gateway.context import RequestContext
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.pricing.book import PriceBook
    from vectorgate.telemetry import Telemetry

# Errors of the provider's own, for which it charges no tokens. Others (502, 504) may come from between it and us.
NOT_CHARGED: Final = frozenset({408, 409, 500, 503})


def replayed_entry(
    entry: LedgerEntry, replay: IdempotencyRecord, ended: Mapping[str, object], book: PriceBook
) -> LedgerEntry:
    """The row of a repetition, for which nothing was executed and nothing is charged. `ended`: its time columns."""
    facts = {**ended, "status_code": replay.status, "price_id": book.by_id(REPLAYED).id}
    return entry.transition(State.VOIDED, spend=ZERO, **facts)


def failed_entry(
    entry: LedgerEntry, error: ApiError, ended: Mapping[str, object], book: PriceBook, *, recorded: bool
) -> LedgerEntry:
    """The row of a failed call: `uncertain` if it may have been executed, else `voided` and free of charge.

    `ended`: its time columns; `recorded`: whether its row was written before it was sent.
    """
    facts = {**ended, "status_code": error.status, "error_code": error.code or error.type}
    if entry.until_ms is not None:
        facts["until_ms"] = ended["ended_ms"]
    if isinstance(error, OutcomeUnknown) and error.upstream_status in NOT_CHARGED:
        facts["ceiling"] = ()
    if recorded and isinstance(error, OutcomeUnknown | UpstreamFailed):
        return entry.transition(State.UNCERTAIN, **facts)
    return entry.transition(State.VOIDED, spend=ZERO, price_id=book.by_id(NOT_EXECUTED).id, **facts)


def ledger_unavailable() -> Unavailable:
    """The row of a call cannot be written (503)."""
    return Unavailable("The gateway cannot record calls at this moment.", code="ledger_unavailable")


def budgets_unavailable() -> Unavailable:
    """Limits or balances cannot be read (503)."""
    return Unavailable("The gateway cannot check budgets at this moment.", code="budgets_unavailable")


def id_not_new() -> OutcomeUnknown:
    """The provider answered a create with an object that has an owner already: no other caller may see it."""
    return OutcomeUnknown(
        "The provider answered with an object that exists already.", status=502, type="server_error", code="id_not_new"
    )


def answer_not_recorded() -> OutcomeUnknown:
    """The ledger does not say which of a create's attempts counts: its object may be the one that is removed."""
    return OutcomeUnknown(
        "The provider's answer cannot be recorded.", status=502, type="server_error", code="answer_not_recorded"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRecorder(ABC):
    """Writes the rows of calls that fail, repeat another, or are sent again.

    `anonymous_limiter` bounds the rows of unauthenticated callers.
    """

    ledger: LedgerStore
    book: PriceBook
    telemetry: Telemetry
    anonymous_limiter: TokenBucket

    @abstractmethod
    def started(self, context: RequestContext) -> LedgerEntry:
        """The row of a call as it begins."""

    @abstractmethod
    def ended(self, context: RequestContext) -> dict[str, object]:
        """The columns that say when a call ended, and how long it took."""

    def record(self, entry: LedgerEntry, context: RequestContext) -> None:
        """Write a row that begins and ends here. Unavailable (503) when the ledger does not accept it."""
        try:
            self.ledger.begin(entry)
        except StoreError as error:
            raise ledger_unavailable() from error
        context.recorded = True

    def note_repeat(self, context: RequestContext, bits: int) -> None:
        """Write, before a create is sent again, that an earlier attempt may still be executed. Unavailable (503).

        `bits`: 74 random bits. The note is a row of its own, open until no attempt can be executed any more: what turns
        up with the call's tag besides the call's object is removed.
        """
        if context.entry is None:
            raise ValueError("note_repeat before begin")
        note = context.entry.changed(
            id=uuid7(context.started_ms, bits), attempt_of=context.id, budgets=(), reserved=None, idempotency_name=None
        )
        self.record(note, context)
        context.repeated = True

    def replay(self, context: RequestContext, entry: LedgerEntry, earlier: IdempotencyRecord) -> None:
        """Write the row of a call that is not executed. Unavailable (503) when the ledger does not accept it."""
        context.entry = replayed_entry(entry, earlier, self.ended(context), self.book)
        if not context.recorded:
            self.record(context.entry, context)
            return
        try:
            self.ledger.advance(context.entry, since=entry.state)
        except StoreError as error:
            raise ledger_unavailable() from error

    def fail(self, context: RequestContext, error: ApiError) -> None:
        """Write the row of a call that ends in an error. A store that fails is reported to telemetry, not raised."""
        context.error = error
        started = context.entry if context.entry is not None else self.started(context)
        if started.state is not State.STARTED:
            return  # `error` is that the answered or replayed row could not be written
        context.entry = entry = failed_entry(started, error, self.ended(context), self.book, recorded=context.recorded)
        if isinstance(error, Unauthenticated) and not self.anonymous_limiter.try_acquire():
            context.entry = None  # neither row nor log line: API Gateway counts them, and has them in its access log
            return
        try:
            if context.recorded:
                self.ledger.advance(entry, since=started.state)
            else:
                self.ledger.begin(entry)
        except StoreError as store_error:
            self.telemetry.commit_failed(entry, store_error)
