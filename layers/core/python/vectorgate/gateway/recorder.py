"""The ledger row of a call, from its beginning to its end.

::

    begin     started                              before anything is sent; a read gets its row when it ends
    commit    started -> answered                  with the ownership of what was created or deleted
    fail      started -> uncertain | voided        uncertain when the provider may have executed the call

`CallRecorder` writes; the functions below it compute the row after a step, `failures` that of a failed or repeated one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.safety import Safety
from vectorgate.budgets.model import account_ref
from vectorgate.budgets.service import NO_RESERVATION, check_known_room
from vectorgate.classes import dataclass
from vectorgate.clock import MICROSECONDS, MILLISECONDS
from vectorgate.gateway import failures
from vectorgate.gateway.key_tags import recorded_tags
from vectorgate.idempotency.record import EXPLICIT_SLOT, LEASE_MS
from vectorgate.idempotency.service import answer_to_keep, record_for
from vectorgate.ids import PATH_KINDS, ObjectId
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.ledger.fuzzy_fingerprint import fuzzy_fingerprint_of_command
from vectorgate.ledger.generation import is_running, named_facts, produced, response_facts, response_note
from vectorgate.pricing.book import MOCK
from vectorgate.pricing.usage import MAX_SIZE
from vectorgate.providers.openai import tagged
from vectorgate.store_errors import AlreadyExists, OverBudget, StateConflict, StoreError, StoreUnavailable
from vectorgate.tenancy.ownership import LISTED_KINDS, OWNED_COLUMN, PARENT_PARAMETER, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.auth.principal import Principal
    from vectorgate.budgets.model import Reservation
    from vectorgate.budgets.service import BudgetService
    from vectorgate.clock import Clock
    from vectorgate.gateway.call_limits import CallLimits
    from vectorgate.gateway.context import RequestContext
    from vectorgate.gateway.policy import Policy
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.idempotency.service import IdempotencyService
    from vectorgate.ids import OperationId
    from vectorgate.providers.base import Answer
    from vectorgate.tenancy.ownership import Ownership

SIZE_FIELDS: Final = ("bytes", "usage_bytes")  # byte counts in a provider's answer


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRecorder(failures.FailureRecorder):
    """Writes the row of a call at each step of the pipeline. `limits`: loaded by a call with a rate limit."""

    idempotency: IdempotencyService
    budgets: BudgetService
    clock: Clock
    limits: Callable[[], CallLimits]

    def begin(self, context: RequestContext, command: Command, policy: Policy) -> IdempotencyRecord | None:
        """Write the row of a call that may change something at the provider, before the call is sent.

        Its rate limits come first; then the row, its reservations, and the record that detects a repetition. The record
        of an earlier call, whose answer is to be replayed; None: this call is to be forwarded. 409, 422, 429, 503.
        """
        context.entry = entry = started_entry(context)
        if command.operation.safety is Safety.READ:
            self._count(context)
            return None
        record = record_for(command, policy.idempotency_key, policy.retry_count, entry)
        if record is not None and record.slot == EXPLICIT_SLOT:
            # The row of a replay or of a refused repetition has the name too.
            context.entry = entry = entry.changed(idempotency_name=record.name)
        try:
            has_plan = context.budgets or context.lenders or command.operation.generates
            plan = self.budgets.plan(context.budgets, command, entry, context.lenders) if has_plan else NO_RESERVATION
            begun = entry.changed(**plan.columns()) if plan is not NO_RESERVATION else entry
            if context.store_account is not None:
                begun = begun.changed(budgets=(*begun.budgets, account_ref(context.store_account)))
            reserve = (*plan.reserve, *context.places)
            # A replay needs no room: it is looked for before there may be none.
            earlier = self.idempotency.earlier(entry, record, always=bool(reserve) or context.rates is not None)
            if earlier is None or earlier.status is None:
                self._count(context)
                if plan.reserve:
                    reserve = (*check_known_room(context.budgets, plan.reserve), *context.places)
                earlier = self._begin(context, begun, (record, earlier), reserve)
        except OverBudget as error:
            context.recorded = error.begun
            raise self.budgets.exceeded(context.budgets, error.account, plan.amount, context.places) from error
        except StoreError as error:
            raise failures.ledger_unavailable() from error
        if earlier is not None:
            self.replay(context, context.entry, earlier)
        return earlier

    def _count(self, context: RequestContext) -> None:
        """Claim what the call needs of its rate limits. RateLimited (429), Unavailable (503)."""
        claims = self.limits().claims(context) if context.rates is not None else None
        if claims is not None:
            self.limits().admit(context, claims)

    def _begin(
        self,
        context: RequestContext,
        begun: LedgerEntry,
        records: tuple[IdempotencyRecord | None, IdempotencyRecord | None],
        reserve: Sequence[Reservation],
    ) -> IdempotencyRecord | None:
        """Write the row, then the first record, in the place of the second; the record to replay, or None.

        Unavailable (503) when that took too long for the call to be sent.
        """
        self.ledger.begin(begun, reserve=reserve)
        context.entry, context.recorded = begun, True
        record, earlier = records
        if record is not None:
            bound, is_replay = self.idempotency.bind(begun, record, earlier)
            if is_replay:
                return bound
            context.idempotency = bound
        if not self._is_within_lease(begun):
            raise failures.ledger_unavailable()  # a sweep may have voided the row, and a repetition be executed
        return None

    def commit(self, context: RequestContext, command: Command, answer: Answer) -> None:
        """Move the row to `answered`, behind or with the ownership of what was created or deleted.

        When that fails after a change at the provider, the client still gets its answer, and reconciliation completes
        the row. Errors: Unavailable (503) for a read, which can be repeated; OutcomeUnknown (502) for a create that was
        sent more than once, as the sweep removes what another of its attempts made.
        """
        started = context.entry
        if started is None:
            raise ValueError("commit before begin")
        context.entry = entry = answered_entry(started, context, answer, self._now())
        if entry.quarantined:
            self.telemetry.count("QuarantinedSizes")
        if entry.input_tokens is not None and context.rates is not None:
            self.limits().add_tokens(context)
        if not context.recorded:
            self.record(entry, context)
            return
        try:
            self._write_answered(started, entry, context, command, answer)
        except StoreError as error:
            self.telemetry.commit_failed(entry, error)
            if isinstance(error, AlreadyExists):
                raise failures.id_not_new() from error
            if context.repeated:
                raise failures.answer_not_recorded() from error

    def _write_answered(
        self, started: LedgerEntry, entry: LedgerEntry, context: RequestContext, command: Command, answer: Answer
    ) -> None:
        """Write the answered row, at a second try if the first fails. AlreadyExists: what was created has an owner."""
        since = started.state
        owned, retired = _owned_by_commit(command, answer, entry), _retired_by_commit(command, answer, entry)
        for last in (False, True):
            record = answer_to_keep(context.idempotency, entry, answer.status, answer.document)
            try:
                if since is State.STARTED and self._is_found_by_its_owner(command, entry, owned):
                    self._own(owned, record)
                    owned, record = [], None
                self.ledger.advance(
                    entry, since=since, owned=owned, retired=retired, at=int(self.clock.wall()), idempotency=record
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

    def _is_found_by_its_owner(self, command: Command, entry: LedgerEntry, owned: Sequence[Ownership]) -> bool:
        """Whether the sweep would answer the row if this process crashed after it wrote the ownership of one object.

        It reads the list of these objects. Once it may look at the row, row and ownership are written together.
        """
        if len(owned) != 1 or owned[0].ref.kind not in LISTED_KINDS or command.mock_response is not None:
            return False
        return self._is_within_lease(entry)

    def _is_within_lease(self, entry: LedgerEntry) -> bool:
        """Whether no sweep looks at a started row yet."""
        return self.clock.wall() * MILLISECONDS < (entry.until_ms or entry.started_ms + LEASE_MS)

    def _own(self, owned: Sequence[Ownership], record: IdempotencyRecord | None) -> None:
        """Write what refers to the row before it is answered: an answered row's object has an owner, and its answer."""
        self.ledger.own(owned[0])
        if record is not None:
            self.ledger.keep_answer(record)

    def started(self, context: RequestContext) -> LedgerEntry:
        """The row of a call as it begins."""
        return started_entry(context)

    def ended(self, context: RequestContext) -> dict[str, object]:
        """The columns that say when a call ended, and how long it took."""
        return durations(context, self._now())

    def _now(self) -> Times:
        return Times(ended_ms=int(self.clock.wall() * MILLISECONDS), ended=self.clock.monotonic())


@dataclass(frozen=True, slots=True)
class Times:
    """The end of a call: Unix milliseconds, and the monotonic second."""

    ended_ms: int
    ended: float


def started_entry(context: RequestContext) -> LedgerEntry:
    """The row of a call as it begins, with everything that is known of it by then."""
    facts = _principal_facts(context.principal) | _command_facts(context.command, context.id)
    key_tags = context.principal.key.tags if context.principal is not None else ()
    return LedgerEntry(
        id=context.id,
        operation=context.operation,
        state=State.STARTED,
        started_ms=context.started_ms,
        until_ms=context.until_ms,
        end_user=context.end_user,
        tags=recorded_tags(key_tags, context.tags) if key_tags else context.tags,
        provider=context.provider,
        budgets=tuple([account_ref(budget.account) for budget in context.budgets]),
        **facts,  # type: ignore[arg-type]
    )


def answered_entry(entry: LedgerEntry, context: RequestContext, answer: Answer, times: Times) -> LedgerEntry:
    """The row of an executed call: the id of what was created, and the names of invalid figures."""
    facts, state = durations(context, times), State.ANSWERED
    if context.client_seconds is not None and times.ended - context.began >= context.client_seconds:
        facts["undelivered"] = 1
    command = context.command
    if command is not None and command.mock_response is not None:
        facts["price_id"] = MOCK
    elif command is not None:
        if command.operation.creates is not None and answer.created is not None:
            facts[OWNED_COLUMN[command.operation.creates]] = ObjectId(str(answer.created["id"]))
        facts |= _quarantined(entry, answer.document or {})
        if command.operation.generates:
            document = answer.document or {}
            state = State.UNCERTAIN if is_running(document) else State.ANSWERED
            facts |= response_facts(entry, document)
    return entry.transition(state, upstream_request_id=answer.request_id, status_code=answer.status, **facts)


def durations(context: RequestContext, times: Times) -> dict[str, object]:
    """When a call ended, and its durations: the overhead is the elapsed time without the time at the provider."""
    upstream_us = round(context.upstream_seconds * MICROSECONDS)
    elapsed_us = round((times.ended - context.began) * MICROSECONDS)
    return {"ended_ms": times.ended_ms, "upstream_us": upstream_us, "overhead_us": max(0, elapsed_us - upstream_us)}


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
        "response_id": ids.get("response_id"),
        "fuzzy_fingerprint": _fuzzy_fingerprint(command, operation_id),
        **(named_facts(command) if command.operation.generates else {}),
    }


def _fuzzy_fingerprint(command: Command, operation_id: OperationId) -> str | None:
    """The fingerprint that identifies the created object; None when the correlation tag does, or nothing is created."""
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


def _owned_by_commit(command: Command, answer: Answer, entry: LedgerEntry) -> list[Ownership]:
    """The ownership of the object that the answer describes as created."""
    kind = command.operation.creates
    made = produced(entry, answer.document or {}) if command.operation.generates and not command.mock_response else []
    if kind is None or answer.created is None:
        return made
    own = entry.ownership_of(kind, answer.created, parent=command.ids.get(PARENT_PARAMETER.get(kind, "")))
    return [*made, replace(own, snapshot=response_note(entry)) if command.operation.generates else own]


def _retired_by_commit(command: Command, answer: Answer, entry: LedgerEntry) -> list[ObjectRef]:
    """The object that was deleted. An answer with `deleted: false` changes no ownership."""
    parameter = command.operation.deletes
    if parameter is None or command.mock_response is not None or entry.provider is None:
        return []
    if answer.document is None or answer.document.get("deleted") is not True:
        return []
    return [ObjectRef(entry.provider, PATH_KINDS[parameter], command.ids[parameter])]
