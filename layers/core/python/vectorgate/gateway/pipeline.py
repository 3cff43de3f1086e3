"""The path of a request, one screen: identify -> admit -> authorise -> fund -> begin -> forward -> conclude -> reply.

Each step is one function that adds one concern and ends in an ApiError or in the next step. The order is the
precedence of answers: 401 identity, 404 route, 413 and 400 body, 404 ownership, 403 blocked, 409 and 422 repetitions,
429 budgets, then the provider's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.auth import authenticate
from vectorgate.gateway.parser import attribution_of
from vectorgate.budgets.service import exceeded
from vectorgate.clock import MILLISECONDS, new_operation_id
from vectorgate.api.errors import ApiError, OutcomeUnknown, Unauthenticated, Unavailable
from vectorgate.idempotency.record import LEASE_MS
from vectorgate.idempotency.service import Repetitions
from vectorgate.ledger.entry import Entry, State
from vectorgate.api.operations import Safety
from vectorgate.pricing.charge import charge_for
from vectorgate.providers.base import Answer
from vectorgate.providers.openai import with_both_sizes
from vectorgate.gateway.responses import refused, repeated, replied
from vectorgate.persistence import OverBudget, StateConflict, StoreError, StoreUnavailable
from vectorgate.providers.client import MAX_ATTEMPTS, Exchange
from vectorgate.gateway.context import UNROUTED, Visit, owned_by_visit, retired_by

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.gateway.parser import Order
    from vectorgate.budgets.service import Treasury
    from vectorgate.clock import Chance, Clock
    from vectorgate.gateway.surfaces import Door, Grant
    from vectorgate.idempotency.record import Claim
    from vectorgate.ids import ProviderName
    from vectorgate.auth.keys.model import Principal
    from vectorgate.auth.keys.ports import Keys
    from vectorgate.ledger.ports import LedgerStore
    from vectorgate.auth.token_bucket import TokenBucket
    from vectorgate.api.http import Request, Response
    from vectorgate.telemetry import Telemetry
    from vectorgate.pricing.book import PriceBook
    from vectorgate.providers.base import Provider
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.outcome import Transport

DEADLINE_SECONDS: Final = 28.0  # API Gateway cuts at 30 s, and what is behind must have ended by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Everything that a request needs, handed in by the composition root.

    `door` finds the API that a path is of. `deadline_seconds`: within which a request is answered by the provider;
    `attempts`: how often it is asked at most.
    """

    clock: Clock
    chance: Chance
    keys: Keys
    ledger: LedgerStore
    book: PriceBook
    door: Callable[[str], Door]
    providers: Mapping[ProviderName, Provider]
    credentials: Credentials
    transport: Transport
    telemetry: Telemetry
    treasury: Treasury
    strangers: TokenBucket
    deadline_seconds: float = DEADLINE_SECONDS
    attempts: int = MAX_ATTEMPTS

    def handle(self, request: Request) -> Response:
        """Answer one request, and leave one row that says what became of it."""
        visit, door = self._arrive(request), self.door(request.path)
        try:
            principal = self._identify(visit)
            order = self._admit(visit, door)
            grant = self._authorise(visit, door, principal, order)
            self._fund(visit, principal, order)
            repetition = self._begin(visit, order)
            if repetition is not None:
                return self._replay(visit, repetition)
            answer = self._forward(visit, door, order, grant)
            self._conclude(visit, order, grant.provider, answer)
        except ApiError as error:
            self._refuse(visit, error)
            return refused(error, visit, door.envelope(error))
        finally:
            visit.leave()
            self.telemetry.request(visit.entry)
        return replied(answer, visit, charge_for(visit.entry, self.book))

    def _arrive(self, request: Request) -> Visit:
        operation_id = new_operation_id(self.clock, self.chance)
        entry = Entry(id=operation_id, operation=UNROUTED, state=State.STARTED, started_ms=self.clock.unix_ms())
        if self.deadline_seconds > DEADLINE_SECONDS:
            entry = entry.changed(until_ms=entry.started_ms + int(self.deadline_seconds * MILLISECONDS) + LEASE_MS)
        return Visit(request=request, clock=self.clock, row=entry, began=self.clock.monotonic())

    def _identify(self, visit: Visit) -> Principal:
        """Somebody, or 401; 503 when the keys cannot be read. Nothing is parsed for a stranger."""
        try:
            principal = authenticate.identify(visit.request, self.keys, self.clock.unix_s())
        except StoreError as error:
            raise Unavailable("The gateway cannot check keys at this moment.", code="keys_unavailable") from error
        visit.identified(principal)
        return principal

    def _admit(self, visit: Visit, door: Door) -> Order:
        """A row of the table, and a body that the provider would accept."""
        matched = door.route(visit.request.method, visit.request.path)
        visit.knows(operation=matched.operation.name, **attribution_of(visit.request))
        order = door.admit(visit.request, matched)
        visit.admitted(order)
        return order

    def _authorise(self, visit: Visit, door: Door, principal: Principal, order: Order) -> Grant:
        """The provider at which everything that the order names is the caller's to use, or 404."""
        try:
            grant = door.authorise(order, principal)
        except StoreUnavailable as error:
            raise Unavailable("The gateway cannot check ownership at this moment.", code="store_unavailable") from error
        visit.knows(provider=grant.provider)
        return grant

    def _fund(self, visit: Visit, principal: Principal, order: Order) -> None:
        """Whose budgets the call counts against, and how they stand. 503 when they cannot be read."""
        try:
            began = visit.row.started_ms // MILLISECONDS
            visit.funded(self.treasury.shares(principal.key, order.end_user, began))
        except StoreError as error:
            raise Unavailable("The gateway cannot check budgets at this moment.", code="budgets_unavailable") from error

    def _begin(self, visit: Visit, order: Order) -> Claim | None:
        """Write-ahead: whatever may reach the provider leaves a trace before it does. A repetition is not forwarded."""
        if order.operation.safety is Safety.READ:
            return None
        visit.claims(order)
        try:
            wish = self.treasury.wish(visit.shares, order, visit.entry)
            begun = wish.noted_in(visit.entry)
            repetition = Repetitions(self.ledger, self.clock).begin(begun, visit.claim, wish.reserve)
        except OverBudget as refusal:
            raise exceeded(visit.shares, refusal.account) from refusal
        except StoreError as error:
            raise Unavailable("The gateway cannot record calls at this moment.", code="ledger_unavailable") from error
        if repetition is None:
            visit.entry, visit.begun = begun, True
        return repetition

    def _replay(self, visit: Visit, repetition: Claim) -> Response:
        """What the first of these requests was answered."""
        visit.replayed(repetition, self.book)
        self._write_new(visit)
        return repeated(repetition, visit)

    def _forward(self, visit: Visit, door: Door, order: Order, grant: Grant) -> Answer:
        """Ask the provider, within the time that API Gateway leaves."""
        if order.mock_response is not None:
            return Answer(status=200, headers={}, document=with_both_sizes(dict(order.mock_response)))
        began = self.clock.monotonic()
        exchange = Exchange(
            provider=self.providers[grant.provider],
            credentials=self.credentials,
            transport=self.transport,
            clock=self.clock,
            chance=self.chance,
            deadline=visit.began + self.deadline_seconds,
            attempts=self.attempts,
        )
        try:
            return door.ask(order, grant, visit.entry, exchange)
        finally:
            visit.upstream_s = self.clock.monotonic() - began

    def _conclude(self, visit: Visit, order: Order, provider: ProviderName, answer: Answer) -> None:
        """The row becomes `answered`, and what came into being gets its owner, in one transaction.

        When that fails after a change upstream, the client is answered all the same: the change took place, and the
        row that still says `started` brings it back. A read whose row cannot be written is not answered: no call goes
        unrecorded, and a read can be repeated.
        """
        started = visit.entry.state
        visit.answered(answer, order)
        if visit.entry.quarantined:
            self.telemetry.count("QuarantinedSizes")
        if not visit.begun:
            self._write_new(visit)
            return
        owned, retired = owned_by_visit(order, answer, visit.entry), retired_by(order, provider, answer)
        try:
            self.ledger.advance(
                visit.entry,
                since=started,
                owned=owned,
                retired=retired,
                at=self.clock.unix_s(),
                claim=visit.claim_with(answer),
            )
        except StoreError as error:
            self.telemetry.unrecorded(visit.entry, error)
            if isinstance(error, StateConflict) and self._is_still(started, visit):
                raise _belongs_to_another() from error

    def _is_still(self, state: State, visit: Visit) -> bool:
        """Whether the row has not moved: then it was the ownership that stood against concluding it."""
        try:
            row = self.ledger.entry(visit.entry.id)
        except StoreError:
            return False
        return row is not None and row.state is state

    def _write_new(self, visit: Visit) -> None:
        try:
            self.ledger.begin(visit.entry)
        except StoreError as error:
            raise Unavailable("The gateway cannot record calls at this moment.", code="ledger_unavailable") from error
        visit.begun = True

    def _refuse(self, visit: Visit, error: ApiError) -> None:
        """Leave the row of a call that ends in an error. Strangers' rows are rationed: they must not make us write."""
        started = visit.entry.state
        if started is not State.STARTED or (isinstance(error, Unauthenticated) and not self.strangers.admits()):
            return
        visit.failed(error, self.book)
        try:
            if visit.begun:
                self.ledger.advance(visit.entry, since=started)
            else:
                self.ledger.begin(visit.entry)
        except StoreError as failure:
            self.telemetry.unrecorded(visit.entry, failure)


def _belongs_to_another() -> OutcomeUnknown:
    """The provider answered a create with an object that somebody owns already: nobody else gets to see it."""
    return OutcomeUnknown(
        "The provider's answer is about an object that is not new.", status=502, type="server_error", code="id_not_new"
    )
