"""The ledger row of a call, from its beginning to its end.

::

    begin     started                              before anything is sent; a read gets its row when it ends
    commit    started -> answered                  with the ownership of what was created or deleted
    fail      started -> uncertain | voided        uncertain when the provider may have executed the call

`CallRecorder` writes; the functions below it compute the row that follows from a step, and do no I/O.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import OutcomeUnknown, Unauthenticated, Unavailable, UpstreamFailed
from vectorgate.api.http import encode_json
from vectorgate.api.operations import Safety
from vectorgate.budgets.model import account_ref
from vectorgate.budgets.service import NO_RESERVATION
from vectorgate.clock import MICROSECONDS, MILLISECONDS
from vectorgate.idempotency.record import EXPLICIT_SLOT
from vectorgate.idempotency.service import record_for, with_answer
from vectorgate.ids import PATH_KINDS, ObjectId
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.ledger.fuzzy_fingerprint import fuzzy_fingerprint_of_command
from vectorgate.metering.model import MAX_SIZE
from vectorgate.pricing.book import MOCK, NOT_EXECUTED, REPLAYED
from vectorgate.pricing.money import ZERO
from vectorgate.providers.openai import tagged
from vectorgate.store_errors import AlreadyExists, OverBudget, StateConflict, StoreError, StoreUnavailable
from vectorgate.tenancy.ownership import OWNED_COLUMN, PARENT_PARAMETER, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.command import Command
    from vectorgate.api.errors import ApiError
    from vectorgate.auth.principal import Principal
    from vectorgate.auth.token_bucket import TokenBucket
    from vectorgate.budgets.service import BudgetService, ReservationPlan
    from vectorgate.clock import Clock
    from vectorgate.gateway.context import RequestContext
    from vectorgate.gateway.policy import Policy
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.idempotency.service import IdempotencyService
    from vectorgate.ids import OperationId
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.base import Answer
    from vectorgate.telemetry import Telemetry
    from vectorgate.tenancy.ownership import Ownership

SIZE_FIELDS: Final = ("bytes", "usage_bytes")  # byte counts in a provider's answer


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
        Unavailable (503): no call goes unrecorded, and a read can be repeated.
        """
        started = context.entry
        if started is None:
            raise ValueError("commit before begin")
        context.entry = entry = answered_entry(started, context, answer, self._now())
        if entry.quarantined:
            self.telemetry.count("QuarantinedSizes")
        if not context.recorded:
            self._record(entry, context)
            return
        try:
            self._write_answered(started, entry, context, command, answer)
        except StoreError as error:
            self.telemetry.commit_failed(entry, error)
            if isinstance(error, AlreadyExists):
                raise _id_not_new() from error

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
                    owned=_owned(command, answer, entry),
                    retired=_retired(command, answer, entry),
                    at=int(self.clock.wall()),
                    idempotency=_record_with_answer(context.idempotency, answer),
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

    def _now(self) -> _Times:
        return _Times(ended_ms=int(self.clock.wall() * MILLISECONDS), ended=self.clock.monotonic())


@dataclass(frozen=True, slots=True)
class _Times:
    """The end of a call: Unix milliseconds, and the monotonic second."""

    ended_ms: int
    ended: float


# ------------------------------------------------------------------------------------------------ rows, step by step


def started_entry(context: RequestContext) -> LedgerEntry:
    """The row of a call as it begins, with everything that is known of it by then."""
    facts = _principal_facts(context.principal) | _command_facts(context.command, context.id)
    return LedgerEntry(
        id=context.id,
        operation=context.operation,
        state=State.STARTED,
        started_ms=context.started_ms,
        until_ms=context.until_ms,
        end_user=context.end_user,
        tags=context.tags,
        provider=context.provider,
        budgets=tuple([account_ref(budget.account) for budget in context.budgets]),
        **facts,  # type: ignore[arg-type]
    )


def begun_entry(entry: LedgerEntry, plan: ReservationPlan) -> LedgerEntry:
    """The row with its reservation."""
    if not plan.amount and not plan.quarantined:
        return entry
    return entry.changed(reserved=plan.amount or None, quarantined=plan.quarantined)


def answered_entry(entry: LedgerEntry, context: RequestContext, answer: Answer, times: _Times) -> LedgerEntry:
    """The row of an executed call: the id of what was created, and the names of invalid figures."""
    facts = _durations(context, times)
    if context.client_seconds is not None and times.ended - context.began >= context.client_seconds:
        facts["undelivered"] = 1
    command = context.command
    if command is not None and command.mock_response is not None:
        facts["price_id"] = MOCK
    elif command is not None:
        if command.operation.creates is not None and answer.created is not None:
            facts[OWNED_COLUMN[command.operation.creates]] = ObjectId(str(answer.created["id"]))
        facts |= _quarantined(entry, answer.document or {})
    return entry.transition(State.ANSWERED, upstream_request_id=answer.request_id, status_code=answer.status, **facts)


def replayed_entry(
    entry: LedgerEntry, context: RequestContext, replay: IdempotencyRecord, times: _Times, book: PriceBook
) -> LedgerEntry:
    """The row of a repetition, for which nothing was executed and nothing is charged."""
    facts = _durations(context, times) | {"status_code": replay.status, "price_id": book.by_id(REPLAYED).id}
    return entry.transition(State.VOIDED, spend=ZERO, **facts)


def failed_entry(
    entry: LedgerEntry, context: RequestContext, error: ApiError, times: _Times, book: PriceBook
) -> LedgerEntry:
    """The row of a failed call: `uncertain` if it may have been executed, else `voided` and free of charge."""
    facts = _durations(context, times) | {"status_code": error.status, "error_code": error.code or error.type}
    if context.recorded and isinstance(error, OutcomeUnknown | UpstreamFailed):
        return entry.transition(State.UNCERTAIN, **facts)
    return entry.transition(State.VOIDED, spend=ZERO, price_id=book.by_id(NOT_EXECUTED).id, **facts)


def invalid_figures(document: Mapping[str, object]) -> tuple[str, ...]:
    """The names of an answer's byte counts that cannot be right: negative, fractional or beyond MAX_SIZE."""
    return tuple([name for name in SIZE_FIELDS if name in document and not _is_size(document[name])])


def _principal_facts(principal: Principal | None) -> dict[str, object]:
    if principal is None:
        return {}
    key = principal.key
    return {
        "key_id": key.id,
        "tenant": principal.tenant,
        "key_alias": key.alias,
        "team_id": key.team_id,
        "user_id": key.user_id,
    }


def _command_facts(command: Command | None, operation_id: OperationId) -> dict[str, object]:
    if command is None:
        return {}
    ids = command.ids
    return {
        "fingerprint": command.fingerprint,
        "vector_store_id": ids.get("vector_store_id", ids.get("index")),
        "file_id": ids.get("file_id", _attached_file(command)),
        "batch_id": ids.get("batch_id"),
        "upload_id": ids.get("upload_id"),
        "fuzzy_fingerprint": _fuzzy_fingerprint(command, operation_id),
    }


def _fuzzy_fingerprint(command: Command, operation_id: OperationId) -> str | None:
    """What finds the created object again; None when the correlation tag does, or when nothing is created."""
    if command.operation.creates is None or tagged(command, operation_id) is not None:
        return None
    return fuzzy_fingerprint_of_command(command)


def _attached_file(command: Command) -> ObjectId | None:
    """The file that the body names, for an operation that attaches exactly one."""
    return command.body_ids[0] if command.operation.body_ids == ("file_id",) else None


def _quarantined(entry: LedgerEntry, document: Mapping[str, object]) -> dict[str, object]:
    """Invalid figures are named in the row, and never computed with."""
    invalid = invalid_figures(document)
    return {"quarantined": tuple(dict.fromkeys([*entry.quarantined, *invalid]))} if invalid else {}


def _is_size(figure: object) -> bool:
    return isinstance(figure, int) and not isinstance(figure, bool) and 0 <= figure <= MAX_SIZE


def _durations(context: RequestContext, times: _Times) -> dict[str, object]:
    """The gateway's overhead is the elapsed time without the time spent at the provider."""
    upstream_us = round(context.upstream_seconds * MICROSECONDS)
    elapsed_us = round((times.ended - context.began) * MICROSECONDS)
    return {"ended_ms": times.ended_ms, "upstream_us": upstream_us, "overhead_us": max(0, elapsed_us - upstream_us)}


# ------------------------------------------------------------------------------------ what a commit writes beside it


def _owned(command: Command, answer: Answer, entry: LedgerEntry) -> list[Ownership]:
    """The ownership of the object that the answer describes as created."""
    kind = command.operation.creates
    if kind is None or answer.created is None:
        return []
    return [entry.ownership_of(kind, answer.created, parent=command.ids.get(PARENT_PARAMETER.get(kind, "")))]


def _retired(command: Command, answer: Answer, entry: LedgerEntry) -> list[ObjectRef]:
    """The object that was deleted. An answer with `deleted: false` changes no ownership."""
    parameter = command.operation.deletes
    if parameter is None or command.mock_response is not None or entry.provider is None:
        return []
    if answer.document is None or answer.document.get("deleted") is not True:
        return []
    return [ObjectRef(entry.provider, PATH_KINDS[parameter], command.ids[parameter])]


def _record_with_answer(record: IdempotencyRecord | None, answer: Answer) -> IdempotencyRecord | None:
    """The record with the answer that repetitions will get; None when there is nothing to replay."""
    if record is None or answer.document is None:
        return None
    return with_answer(record, answer.status, encode_json(answer.document))


def _ledger_unavailable() -> Unavailable:
    return Unavailable("The gateway cannot record calls at this moment.", code="ledger_unavailable")


def _id_not_new() -> OutcomeUnknown:
    """The provider answered a create with an object that has an owner already: no other caller may see it."""
    return OutcomeUnknown(
        "The provider's answer is about an object that is not new.", status=502, type="server_error", code="id_not_new"
    )
