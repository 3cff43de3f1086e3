"""The path of a call, one screen.

::

    handle     authenticate -> parse -> execute -> render                          an HTTP request
    execute    authorise -> check budgets -> begin -> forward -> commit            any caller with a command

Each step is one method that adds one concern and ends in an ApiError or in the next step. The order is the precedence
of answers: 401 authentication, 404 route, 413 and 400 body, 404 ownership, 403 blocked, 409 and 422 repetitions, 429
budgets, then the provider's own. Whatever becomes of a call, it leaves one row in the ledger.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError, OutcomeUnknown, Unauthenticated, Unavailable
from vectorgate.api.http import FileUpload
from vectorgate.api.operations import PATH_KINDS, Safety
from vectorgate.budgets.service import NO_RESERVATION, budget_exceeded
from vectorgate.clock import MILLISECONDS
from vectorgate.gateway.context import (
    RequestContext,
    Times,
    answered_entry,
    begun_entry,
    failed_entry,
    record_with,
    replayed_entry,
    started_entry,
)
from vectorgate.gateway.parser import checked_end_user, checked_tags, options_of
from vectorgate.gateway.responses import render
from vectorgate.idempotency.record import LEASE_MS
from vectorgate.idempotency.service import record_for
from vectorgate.ids import uuid7
from vectorgate.ledger.correlation import ownership_of
from vectorgate.ledger.entry import State
from vectorgate.providers.base import Answer
from vectorgate.providers.client import MAX_ATTEMPTS, ProviderClient
from vectorgate.providers.openai import with_both_sizes
from vectorgate.store_errors import OverBudget, StateConflict, StoreError, StoreUnavailable
from vectorgate.tenancy.ownership import PARENT_PARAMETER, ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.command import Command
    from vectorgate.api.http import Request, Response
    from vectorgate.auth.authenticate import Authenticator
    from vectorgate.auth.principal import Principal
    from vectorgate.auth.token_bucket import TokenBucket
    from vectorgate.budgets.service import BudgetService
    from vectorgate.clock import Clock, Random
    from vectorgate.gateway.context import Policy
    from vectorgate.gateway.surfaces import ApiSurface, OpenAISurface, Target
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.idempotency.service import IdempotencyService
    from vectorgate.ids import ProviderName
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.base import Provider
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.outcome import Transport
    from vectorgate.telemetry import Telemetry
    from vectorgate.tenancy.ownership import Ownership

DEADLINE_SECONDS: Final = 28.0  # API Gateway cuts at 30 s, and what is behind must have ended by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything that a call needs, handed in by the composition root.

    `surfaces`: APIs that serve the paths below their prefixes; `openai` serves all others.
    `deadline_seconds`: within which a call is answered by the provider, unless its policy says otherwise.
    """

    clock: Clock
    randomness: Random
    authenticator: Authenticator
    openai: OpenAISurface
    surfaces: tuple[ApiSurface, ...]
    budgets: BudgetService
    idempotency: IdempotencyService
    ledger: LedgerStore
    book: PriceBook
    providers: Mapping[ProviderName, Provider]
    credentials: Credentials
    transport: Transport
    telemetry: Telemetry
    anonymous_limiter: TokenBucket
    deadline_seconds: float = DEADLINE_SECONDS

    # ------------------------------------------------------------------------------------------- the two entrances

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request: authenticate, parse, execute, render."""
        context = self.new_context(self.surface(request.path))
        try:
            principal = context.principal = self.authenticator.identify(request)
            command, policy = self._parse(request, context)
        except ApiError as error:
            self.refuse(context, error)
        else:
            self.execute(command, principal, policy, context)
        return self.render(context)

    def execute(
        self, command: Command, principal: Principal, policy: Policy, context: RequestContext | None = None
    ) -> RequestContext:
        """Carry out a command for a principal. The context that is returned holds the answer, a replay or an error."""
        context = self._started(context or self.new_context(), command, principal, policy)
        try:
            target = self._authorise(context, command, principal)
            self._check_budgets(context, command, principal)
            context.replay = self._begin(context, command, policy)
            if context.replay is None:
                context.answer = self._forward(context, command, principal, target, policy)
                self._commit(context, command, context.answer)
        except ApiError as error:
            self._fail(context, error)
        finally:
            if isinstance(command.content, FileUpload):
                command.content.content.close()
            if context.entry is not None:
                self.telemetry.request(context.entry)
        return context

    # ---------------------------------------------------------------------------- what the entrances have in common

    def surface(self, path: str) -> ApiSurface:
        """The API that a path belongs to."""
        for surface in self.surfaces:
            if path == surface.prefix or path.startswith(surface.prefix + "/"):
                return surface
        return self.openai

    def new_context(self, surface: ApiSurface | None = None) -> RequestContext:
        """A call that arrives now; without a surface it is one of OpenAI's API."""
        started_ms = int(self.clock.wall() * MILLISECONDS)
        return RequestContext(
            id=uuid7(started_ms, self.randomness.bits(74)),
            surface=surface if surface is not None else self.openai,
            started_ms=started_ms,
            began=self.clock.monotonic(),
        )

    def refuse(self, context: RequestContext, error: ApiError) -> RequestContext:
        """End a call that did not become a command: its row says why."""
        self._fail(context, error)
        if context.entry is not None:
            self.telemetry.request(context.entry)
        return context

    def render(self, context: RequestContext) -> Response:
        """The response to a call that has ended."""
        return render(context, self.book, self.clock.monotonic())

    def _parse(self, request: Request, context: RequestContext) -> tuple[Command, Policy]:
        """A row of the operation table, and a body that the provider would accept."""
        matched = context.surface.route(request.method, request.path)
        context.operation = matched.operation.name
        options = options_of(request)
        context.end_user, context.tags = checked_end_user(options.end_user), checked_tags(options.tags)
        return context.surface.parse(request, matched, options)

    # --------------------------------------------------------------------------------------------------- the steps

    def _started(
        self, context: RequestContext, command: Command, principal: Principal, policy: Policy
    ) -> RequestContext:
        context.principal, context.command = principal, command
        context.operation, context.end_user, context.tags = command.operation.name, command.end_user, command.tags
        seconds = policy.deadline_seconds or self.deadline_seconds
        if seconds > DEADLINE_SECONDS:
            context.until_ms = context.started_ms + int(seconds * MILLISECONDS) + LEASE_MS
        return context

    def _authorise(self, context: RequestContext, command: Command, principal: Principal) -> Target:
        """Where everything that the command names is the caller's to use, or 404. 503 when that cannot be read."""
        try:
            target = context.surface.authorise(command, principal)
        except StoreUnavailable as error:
            raise Unavailable("The gateway cannot check ownership at this moment.", code="store_unavailable") from error
        context.provider = target.provider
        return target

    def _check_budgets(self, context: RequestContext, command: Command, principal: Principal) -> None:
        """Which budgets the call counts against, and their balances. 403 for a blocked one; 503 when unreadable."""
        key = principal.key
        if key.team_id is None and command.end_user is None and key.max_budget is None and key.soft_budget is None:
            return  # nothing that could have a budget
        try:
            context.budgets = self.budgets.applicable(
                principal.key, command.end_user, context.started_ms // MILLISECONDS
            )
        except StoreError as error:
            raise Unavailable("The gateway cannot check budgets at this moment.", code="budgets_unavailable") from error

    def _begin(self, context: RequestContext, command: Command, policy: Policy) -> IdempotencyRecord | None:
        """Write-ahead: a call that may change something at the provider has its row before it is sent.

        With it what the call reserves, and the record by which a repetition is recognised. The record of an earlier
        call whose answer is to be replayed; None for a call to be forwarded.
        """
        context.entry = entry = started_entry(context)
        if command.operation.safety is Safety.READ:
            return None
        record = record_for(command, policy.idempotency_key, policy.retry_count, entry)
        try:
            plan = self.budgets.plan(context.budgets, command, entry) if context.budgets else NO_RESERVATION
            begun = begun_entry(entry, record, plan)
            earlier = self.idempotency.begin(begun, record, plan.reserve)
        except OverBudget as refusal:
            raise budget_exceeded(context.budgets, refusal.account) from refusal
        except StoreError as error:
            raise Unavailable("The gateway cannot record calls at this moment.", code="ledger_unavailable") from error
        if earlier is not None:
            context.entry = replayed_entry(entry, context, earlier, self._now(), self.book)
            self._record(context)
            return earlier
        context.entry, context.idempotency, context.recorded = begun, record, True
        return None

    def _forward(
        self, context: RequestContext, command: Command, principal: Principal, target: Target, policy: Policy
    ) -> Answer:
        """Ask the provider, within the call's deadline."""
        if command.mock_response is not None:
            return Answer(status=200, headers={}, document=with_both_sizes(dict(command.mock_response)))
        client = ProviderClient(
            provider=self.providers[target.provider],
            credentials=self.credentials,
            transport=self.transport,
            clock=self.clock,
            randomness=self.randomness,
            deadline=context.began + (policy.deadline_seconds or self.deadline_seconds),
            attempts=policy.attempts or MAX_ATTEMPTS,
            send_before=policy.send_before,
        )
        began = self.clock.monotonic()
        try:
            return context.surface.forward(command, principal, target, context.id, client)
        finally:
            context.upstream_seconds = self.clock.monotonic() - began

    def _commit(self, context: RequestContext, command: Command, answer: Answer) -> None:
        """The row becomes `answered`, and what was created gets its owner, in one transaction.

        When that fails after a change upstream, the client is answered all the same: the change took place, and the
        row that still says `started` brings it back. A read whose row cannot be written is not answered: no call goes
        unrecorded, and a read can be repeated.
        """
        started = _written(context)
        context.entry = entry = answered_entry(started, context, answer, self._now())
        if entry.quarantined:
            self.telemetry.count("QuarantinedSizes")
        if not context.recorded:
            self._record(context)
            return
        try:
            self.ledger.advance(
                entry,
                since=started.state,
                owned=_owned(command, answer, entry),
                retired=_retired(command, answer, entry),
                at=int(self.clock.wall()),
                idempotency=record_with(context.idempotency, answer),
            )
        except StoreError as error:
            self.telemetry.unrecorded(entry, error)
            if isinstance(error, StateConflict) and self._is_still(started):
                raise _belongs_to_another() from error

    def _fail(self, context: RequestContext, error: ApiError) -> None:
        """Leave the row of a call that ends in an error.

        Rows of unauthenticated callers are rationed: they must not make us write.
        """
        context.error = error
        started = context.entry if context.entry is not None else started_entry(context)
        if started.state is not State.STARTED:
            return  # it was answered, and cannot be recorded as such: that is the error
        context.entry = entry = failed_entry(started, context, error, self._now(), self.book)
        if isinstance(error, Unauthenticated) and not self.anonymous_limiter.admits():
            return
        try:
            if context.recorded:
                self.ledger.advance(entry, since=started.state)
            else:
                self.ledger.begin(entry)
        except StoreError as failure:
            self.telemetry.unrecorded(entry, failure)

    def _record(self, context: RequestContext) -> None:
        """Write the row of a call that ends with it. 503 when the ledger does not take it."""
        try:
            self.ledger.begin(_written(context))
        except StoreError as error:
            raise Unavailable("The gateway cannot record calls at this moment.", code="ledger_unavailable") from error
        context.recorded = True

    def _is_still(self, started: LedgerEntry) -> bool:
        """Whether the row has not moved: then it was the ownership that stood against the commit."""
        try:
            row = self.ledger.entry(started.id)
        except StoreError:
            return False
        return row is not None and row.state is started.state

    def _now(self) -> Times:
        return Times(ended_ms=int(self.clock.wall() * MILLISECONDS), ended=self.clock.monotonic())


def _written(context: RequestContext) -> LedgerEntry:
    if context.entry is None:
        raise ValueError("a call that has not begun")
    return context.entry


def _owned(command: Command, answer: Answer, entry: LedgerEntry) -> list[Ownership]:
    """The ownership of what the answer says was created."""
    kind = command.operation.creates
    if kind is None or answer.created is None:
        return []
    return [ownership_of(entry, kind, answer.created, parent=command.ids.get(PARENT_PARAMETER.get(kind, "")))]


def _retired(command: Command, answer: Answer, entry: LedgerEntry) -> list[ObjectRef]:
    """What the operation deleted. A provider that says `deleted: false` has kept it, and so does its owner."""
    named = command.operation.deletes
    if named is None or command.mock_response is not None or entry.provider is None:
        return []
    if answer.document is None or answer.document.get("deleted") is not True:
        return []
    return [ObjectRef(entry.provider, PATH_KINDS[named], command.ids[named])]


def _belongs_to_another() -> OutcomeUnknown:
    """The provider answered a create with an object that has an owner already: no other caller gets to see it."""
    return OutcomeUnknown(
        "The provider's answer is about an object that is not new.", status=502, type="server_error", code="id_not_new"
    )
