"""The path of a request, one screen: identify -> admit -> authorise -> fund -> begin -> forward -> conclude -> reply.

Each step is one function that adds one concern and ends in an ApiError or in the next step. The order is the
precedence of answers: 401 identity, 404 route, 413 and 400 body, 404 ownership, 403 blocked, 409 and 422 repetitions,
429 budgets, then the provider's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError, OutcomeUnknown, Unauthenticated, Unavailable
from vectorgate.api.operations import Safety
from vectorgate.auth import authenticate
from vectorgate.budgets.service import budget_exceeded
from vectorgate.clock import MILLISECONDS, new_operation_id
from vectorgate.gateway.context import UNROUTED, RequestContext, owned_by_visit, retired_by
from vectorgate.gateway.parser import attribution_of
from vectorgate.gateway.responses import refused, repeated, replied
from vectorgate.idempotency.record import LEASE_MS
from vectorgate.idempotency.service import IdempotencyService
from vectorgate.ledger.entry import LedgerEntry, State
from vectorgate.pricing.charge import charge_for
from vectorgate.providers.base import Answer
from vectorgate.providers.client import MAX_ATTEMPTS, ProviderClient
from vectorgate.providers.openai import with_both_sizes
from vectorgate.store_errors import OverBudget, StateConflict, StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.api.command import Command
    from vectorgate.api.http import Request, Response
    from vectorgate.auth.keys.model import Principal
    from vectorgate.auth.keys.ports import Keys
    from vectorgate.auth.token_bucket import TokenBucket
    from vectorgate.budgets.service import BudgetService
    from vectorgate.clock import Clock, Random
    from vectorgate.gateway.surfaces import ApiSurface, Target
    from vectorgate.idempotency.record import IdempotencyRecord
    from vectorgate.ids import ProviderName
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.base import Provider
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.outcome import Transport
    from vectorgate.telemetry import Telemetry

DEADLINE_SECONDS: Final = 28.0  # API Gateway cuts at 30 s, and what is behind must have ended by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything that a request needs, handed in by the composition root.

    `surface` finds the API that a path is of. `deadline_seconds`: within which a request is answered by the provider;
    `attempts`: how often it is asked at most.
    """

    clock: Clock
    randomness: Random
    keys: Keys
    ledger: LedgerStore
    book: PriceBook
    surface: Callable[[str], ApiSurface]
    providers: Mapping[ProviderName, Provider]
    credentials: Credentials
    transport: Transport
    telemetry: Telemetry
    budgets_service: BudgetService
    anonymous_limiter: TokenBucket
    deadline_seconds: float = DEADLINE_SECONDS
    attempts: int = MAX_ATTEMPTS

    def handle(self, request: Request) -> Response:
        """Answer one request, and leave one row that says what became of it."""
        context, surface = self._arrive(request), self.surface(request.path)
        try:
            principal = self._identify(context)
            command = self._admit(context, surface)
            target = self._authorise(context, surface, principal, command)
            self._fund(context, principal, command)
            repetition = self._begin(context, command)
            if repetition is not None:
                return self._replay(context, repetition)
            answer = self._forward(context, surface, command, target)
            self._conclude(context, command, target.provider, answer)
        except ApiError as error:
            self._refuse(context, error)
            return refused(error, context, surface.envelope(error))
        finally:
            context.leave()
            self.telemetry.request(context.entry)
        return replied(answer, context, charge_for(context.entry, self.book))

    def _arrive(self, request: Request) -> RequestContext:
        operation_id = new_operation_id(self.clock, self.randomness)
        entry = LedgerEntry(id=operation_id, operation=UNROUTED, state=State.STARTED, started_ms=self.clock.unix_ms())
        if self.deadline_seconds > DEADLINE_SECONDS:
            entry = entry.changed(until_ms=entry.started_ms + int(self.deadline_seconds * MILLISECONDS) + LEASE_MS)
        return RequestContext(request=request, clock=self.clock, row=entry, began=self.clock.monotonic())

    def _identify(self, context: RequestContext) -> Principal:
        """Somebody, or 401; 503 when the keys cannot be read. Nothing is parsed for a stranger."""
        try:
            principal = authenticate.identify(context.request, self.keys, self.clock.unix_s())
        except StoreError as error:
            raise Unavailable("The gateway cannot check keys at this moment.", code="keys_unavailable") from error
        context.identified(principal)
        return principal

    def _admit(self, context: RequestContext, surface: ApiSurface) -> Command:
        """A row of the table, and a body that the provider would accept."""
        matched = surface.route(context.request.method, context.request.path)
        context.knows(operation=matched.operation.name, **attribution_of(context.request))
        command = surface.admit(context.request, matched)
        context.admitted(command)
        return command

    def _authorise(
        self, context: RequestContext, surface: ApiSurface, principal: Principal, command: Command
    ) -> Target:
        """The provider at which everything that the order names is the caller's to use, or 404."""
        try:
            target = surface.authorise(command, principal)
        except StoreUnavailable as error:
            raise Unavailable("The gateway cannot check ownership at this moment.", code="store_unavailable") from error
        context.knows(provider=target.provider)
        return target

    def _fund(self, context: RequestContext, principal: Principal, command: Command) -> None:
        """Whose budgets the call counts against, and how they stand. 503 when they cannot be read."""
        try:
            began = context.row.started_ms // MILLISECONDS
            context.funded(self.budgets_service.budgets(principal.key, command.end_user, began))
        except StoreError as error:
            raise Unavailable("The gateway cannot check budgets at this moment.", code="budgets_unavailable") from error

    def _begin(self, context: RequestContext, command: Command) -> IdempotencyRecord | None:
        """Write-ahead: whatever may reach the provider leaves a trace before it does. A repetition is not forwarded."""
        if command.operation.safety is Safety.READ:
            return None
        context.idempotency_records(command)
        try:
            plan = self.budgets_service.plan(context.budgets, command, context.entry)
            begun = plan.noted_in(context.entry)
            repetition = IdempotencyService(self.ledger, self.clock).begin(begun, context.idempotency, plan.reserve)
        except OverBudget as refusal:
            raise budget_exceeded(context.budgets, refusal.account) from refusal
        except StoreError as error:
            raise Unavailable("The gateway cannot record calls at this moment.", code="ledger_unavailable") from error
        if repetition is None:
            context.entry, context.begun = begun, True
        return repetition

    def _replay(self, context: RequestContext, repetition: IdempotencyRecord) -> Response:
        """What the first of these requests was answered."""
        context.replayed(repetition, self.book)
        self._write_new(context)
        return repeated(repetition, context)

    def _forward(self, context: RequestContext, surface: ApiSurface, command: Command, target: Target) -> Answer:
        """Ask the provider, within the time that API Gateway leaves."""
        if command.mock_response is not None:
            return Answer(status=200, headers={}, document=with_both_sizes(dict(command.mock_response)))
        began = self.clock.monotonic()
        client = ProviderClient(
            provider=self.providers[target.provider],
            credentials=self.credentials,
            transport=self.transport,
            clock=self.clock,
            randomness=self.randomness,
            deadline=context.began + self.deadline_seconds,
            attempts=self.attempts,
        )
        try:
            return surface.ask(command, target, context.entry, client)
        finally:
            context.upstream_s = self.clock.monotonic() - began

    def _conclude(self, context: RequestContext, command: Command, provider: ProviderName, answer: Answer) -> None:
        """The row becomes `answered`, and what came into being gets its owner, in one transaction.

        When that fails after a change upstream, the client is answered all the same: the change took place, and the
        row that still says `started` brings it back. A read whose row cannot be written is not answered: no call goes
        unrecorded, and a read can be repeated.
        """
        started = context.entry.state
        context.answered(answer, command)
        if context.entry.quarantined:
            self.telemetry.count("QuarantinedSizes")
        if not context.begun:
            self._write_new(context)
            return
        owned, retired = owned_by_visit(command, answer, context.entry), retired_by(command, provider, answer)
        try:
            self.ledger.advance(
                context.entry,
                since=started,
                owned=owned,
                retired=retired,
                at=self.clock.unix_s(),
                idempotency=context.claim_with(answer),
            )
        except StoreError as error:
            self.telemetry.unrecorded(context.entry, error)
            if isinstance(error, StateConflict) and self._is_still(started, context):
                raise _belongs_to_another() from error

    def _is_still(self, state: State, context: RequestContext) -> bool:
        """Whether the row has not moved: then it was the ownership that stood against concluding it."""
        try:
            row = self.ledger.entry(context.entry.id)
        except StoreError:
            return False
        return row is not None and row.state is state

    def _write_new(self, context: RequestContext) -> None:
        try:
            self.ledger.begin(context.entry)
        except StoreError as error:
            raise Unavailable("The gateway cannot record calls at this moment.", code="ledger_unavailable") from error
        context.begun = True

    def _refuse(self, context: RequestContext, error: ApiError) -> None:
        """Leave the row of a call that ends in an error. Strangers' rows are rationed: they must not make us write."""
        started = context.entry.state
        if started is not State.STARTED or (isinstance(error, Unauthenticated) and not self.anonymous_limiter.admits()):
            return
        context.failed(error, self.book)
        try:
            if context.begun:
                self.ledger.advance(context.entry, since=started)
            else:
                self.ledger.begin(context.entry)
        except StoreError as failure:
            self.telemetry.unrecorded(context.entry, failure)


def _belongs_to_another() -> OutcomeUnknown:
    """The provider answered a create with an object that somebody owns already: nobody else gets to see it."""
    return OutcomeUnknown(
        "The provider's answer is about an object that is not new.", status=502, type="server_error", code="id_not_new"
    )
