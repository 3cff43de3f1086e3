"""The steps of a call.

::

    handle     authenticate -> parse -> execute -> render                          an HTTP request
    execute    authorise -> check budgets -> begin -> forward -> commit            any caller with a command

Each step adds one concern, and ends in an ApiError or in the next step. Their order is the precedence of errors: 401
authentication, 403 blocked key, 404 route, 413 and 400 body, 404 ownership, 403 blocked team or end user, 409 and 422
idempotency, 429 budgets and rate limits, then the provider's own; beyond a rate limit, the earlier ones are 429, too.
Every call leaves one row in the ledger, except unauthenticated ones beyond the limiter's rate.
"""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError, Unavailable
from vectorgate.api.http import FileUpload
from vectorgate.auth.authenticate import KeyBlocked
from vectorgate.classes import dataclass
from vectorgate.clock import MILLISECONDS
from vectorgate.gateway.context import RequestContext
from vectorgate.gateway.failures import budgets_unavailable, ledger_unavailable
from vectorgate.gateway.parser import call_options, checked_end_user, checked_tags
from vectorgate.gateway.responses import render
from vectorgate.idempotency.record import LEASE_MS
from vectorgate.ledger.entry import uuid7
from vectorgate.providers.base import Answer
from vectorgate.providers.client import MAX_ATTEMPTS, ProviderClient
from vectorgate.providers.openai import with_both_sizes
from vectorgate.store_errors import StoreError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.api.http import Request, Response
    from vectorgate.auth.authenticate import Authenticator
    from vectorgate.auth.principal import Principal
    from vectorgate.budgets.model import Limit, Subject
    from vectorgate.budgets.service import ApplicableBudget, BudgetService
    from vectorgate.clock import Clock, Random
    from vectorgate.gateway.health import Health
    from vectorgate.gateway.policy import Policy
    from vectorgate.gateway.recorder import CallRecorder
    from vectorgate.gateway.seen_responses import SeenResponses
    from vectorgate.gateway.surfaces import ApiSurface, OpenAISurface, Target
    from vectorgate.ids import ProviderName
    from vectorgate.providers.base import Provider
    from vectorgate.providers.credentials import Credentials
    from vectorgate.providers.http.outcome import Transport
    from vectorgate.telemetry import Telemetry

_SHOW_RESPONSE: Final = frozenset({"responses.retrieve", "responses.cancel"})  # their answer is the response
_DELETE_RESPONSE: Final = "responses.delete"
# The operations on stores upon which the terms of their owner bear (`gateway.store_terms`).
ON_STORES: Final = frozenset(
    {
        "vector_stores.create",
        "vector_stores.update",
        "vector_stores.delete",
        "vector_stores.files.create",
        "vector_stores.file_batches.create",
    }
)
DEADLINE_SECONDS: Final = 28.0  # API Gateway gives up after 30 s; the provider must have answered before that
CONCLUSION_SECONDS: Final = 1.0  # to write the row and return the answer, before Lambda ends the function


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The pipeline, with everything that a call needs; the composition root supplies it.

    `surfaces` are the APIs below path prefixes of their own; `openai` serves every other path. `store_rules`: those of
    the deployment for every team. `deadline_seconds` is the time for a provider's answer, unless the call's policy sets
    another, and `response_seconds` that of an operation that runs a model: what the endpoint allows. A file has besides
    what it takes at `upload_bytes_per_second`.
    """

    clock: Clock
    randomness: Random
    authenticator: Authenticator
    openai: OpenAISurface
    surfaces: tuple[ApiSurface, ...]
    budgets: BudgetService
    recorder: CallRecorder
    providers: Mapping[ProviderName, Provider]
    credentials: Credentials
    transport: Transport
    telemetry: Telemetry
    store_rules: Mapping[str, int] | None = None
    deadline_seconds: float = DEADLINE_SECONDS
    response_seconds: float = DEADLINE_SECONDS
    upload_bytes_per_second: float = math.inf

    @property
    def _health(self) -> Health:
        from vectorgate.gateway.health import Health  # noqa: PLC0415 - of probes alone

        book, providers = self.recorder.book, self.providers
        return Health(authenticator=self.authenticator, credentials=self.credentials, providers=providers, book=book)

    def forget(self) -> None:
        """Read keys and limits again: some were changed in this process."""
        self.authenticator.forget()
        self.budgets.limits.forget()

    def renew(self) -> None:
        """As `forget`, with the credentials, and close the connections: this process is a copy of another."""
        self.forget()
        self.credentials.forget()
        self.transport.close()

    def handle(self, request: Request) -> Response:
        """Answer one HTTP request."""
        if request.path.startswith("/health/") and (probed := self._health.answer(request)) is not None:
            return probed
        context = self.new_context(self.surface(request.path))
        context.waited, context.left = request.waited(context.started_ms), request.left_seconds - CONCLUSION_SECONDS
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
        """Carry out a command for a principal. The returned context holds an answer, a replay or an error."""
        context = self._prepared(context or self.new_context(), command, principal, policy)
        try:
            limits = self._limits(context, principal)
            target = self._authorise(context, command, principal)
            context.budgets = self._check_budgets(context, limits) if limits else ()
            if command.operation.generates:
                command = context.command = self._bounded(context, command, principal)
            if (limits or target.borrowed or self.store_rules is not None) and command.operation.name in ON_STORES:
                command = context.command = self._on_store(context, command, target, limits)
            context.replay = self.recorder.begin(context, command, policy)
            if context.replay is None:
                context.answer = self._forward(context, command, principal, target, policy)
                self._conclude(context, command, context.answer)
        except ApiError as error:
            self.recorder.fail(context, self._counted(context, error))
        finally:
            if isinstance(command.content, FileUpload):
                command.content.content.close()
            if context.leases and context.stream is None:
                self.recorder.limits().release(context)
            if context.entry is not None and context.stream is None:
                self.telemetry.request_completed(context.entry)
        return context

    # ------------------------------------------------------------------------------------------ around the two entries

    def surface(self, path: str) -> ApiSurface:
        """The API that serves a path."""
        for surface in self.surfaces:
            if path == surface.prefix or path.startswith(surface.prefix + "/"):
                return surface
        return self.openai

    def new_context(self, surface: ApiSurface | None = None) -> RequestContext:
        """The context of a call that arrives now, on OpenAI's API unless another is given."""
        started_ms = int(self.clock.wall() * MILLISECONDS)
        return RequestContext(
            id=uuid7(started_ms, self.randomness.bits(74)),
            surface=surface if surface is not None else self.openai,
            started_ms=started_ms,
            began=self.clock.monotonic(),
        )

    def refuse(self, context: RequestContext, error: ApiError) -> RequestContext:
        """End a call that did not become a command; its row holds the error."""
        if isinstance(error, KeyBlocked):
            context.principal = error.principal
        elif context.principal is not None:
            with suppress(Unavailable):  # the error is another one
                self._limits(context, context.principal)
        self.recorder.fail(context, self._counted(context, error))
        if context.entry is not None:
            self.telemetry.request_completed(context.entry)
        return context

    def render(self, context: RequestContext) -> Response:
        """The response to a call that has ended."""
        response = render(context, self.recorder.book, self.clock.monotonic())
        return response if context.rates is None else self.recorder.limits().shown(context, response)

    def _parse(self, request: Request, context: RequestContext) -> tuple[Command, Policy]:
        """Match a row of the operation table and validate the body. 400, 404, 405, 413."""
        matched = context.surface.route(request.method, request.path)
        context.operation = matched.operation.name
        options = call_options(request)
        context.end_user, context.tags = checked_end_user(options.end_user), checked_tags(options.tags)
        return context.surface.parse(request, matched, options)

    def _conclude(self, context: RequestContext, command: Command, answer: Answer) -> None:
        """Write the row of an answer; that of a response which is streamed follows its events."""
        if answer.events is None:
            self.recorder.commit(context, command, answer)
            if command.operation.name in _SHOW_RESPONSE and answer.document is not None:
                self._seen(context, command).ended(answer.document)
            return
        from vectorgate.gateway.stream_recorder import StreamRecorder  # noqa: PLC0415 - of streams alone

        recorder = StreamRecorder(self.recorder, self.telemetry, context, command, answer)
        shows = command.operation.name in _SHOW_RESPONSE
        stream = recorder.stream(self._seen(context, command).watched(answer.events) if shows else answer.events)
        context.stream = self.recorder.limits().held(context, stream) if context.leases else stream

    def _seen(self, context: RequestContext, command: Command) -> SeenResponses:
        """What concludes the row of the response that the command names."""
        from vectorgate.gateway.seen_responses import SeenResponses  # noqa: PLC0415 - of responses alone

        return SeenResponses(
            ledger=self.recorder.ledger,
            ownership=self.openai.ownership,
            clock=self.clock,
            telemetry=self.telemetry,
            provider=context.provider or self.openai.providers[0],
            command=command,
        )

    def _prepared(
        self, context: RequestContext, command: Command, principal: Principal, policy: Policy
    ) -> RequestContext:
        context.principal, context.command = principal, command
        context.operation, context.end_user, context.tags = command.operation.name, command.end_user, command.tags
        context.client_seconds = policy.client_seconds
        seconds = self._seconds(command, policy)
        if seconds > DEADLINE_SECONDS:
            context.until_ms = context.started_ms + int(seconds * MILLISECONDS) + LEASE_MS
        return context

    def _seconds(self, command: Command, policy: Policy) -> float:
        """The time for the provider's answer, counted from the call's beginning."""
        if policy.deadline_seconds:
            return policy.deadline_seconds
        own = self.response_seconds if command.operation.generates or command.streamed else self.deadline_seconds
        size = command.content.content.size if isinstance(command.content, FileUpload) else 0
        return own + size / self.upload_bytes_per_second

    def _authorise(self, context: RequestContext, command: Command, principal: Principal) -> Target:
        """Find the provider at which the principal may use every named object. 403, 404; 503 if the store fails."""
        key = principal.key
        if key.allowed_routes is not None or key.vector_stores is not None or key.read_only:
            from vectorgate.auth.restrictions import check_restrictions  # noqa: PLC0415 - of restricted keys alone

            check_restrictions(key, context.surface.prefix, command)
        try:
            target = context.surface.authorise(command, principal)
        except StoreUnavailable as error:
            raise Unavailable("The gateway cannot check ownership at this moment.", code="store_unavailable") from error
        context.provider = target.provider
        return target

    def _limits(self, context: RequestContext, principal: Principal) -> Sequence[tuple[Subject, Limit]]:
        """The limits of key, team, end user and user; rate limits go to the context. 503 if the store fails."""
        key = principal.key
        limits: Sequence[tuple[Subject, Limit]] = ()
        named = key.team_id is not None or key.user_id is not None or context.end_user is not None
        if named or _is_limited(key.max_budget, key.soft_budget):
            try:
                limits = self.budgets.limits.limits_of(key, context.end_user)
            except StoreError as error:
                raise budgets_unavailable() from error
        if _is_limited(key.rpm_limit, key.tpm_limit, key.max_parallel_requests) or any(
            _is_limited(each.rpm_limit, each.tpm_limit, each.max_parallel_requests) for _, each in limits
        ):
            self.recorder.limits().plan(context, key, limits)
        return limits

    def _check_budgets(
        self, context: RequestContext, limits: Sequence[tuple[Subject, Limit]]
    ) -> tuple[ApplicableBudget, ...]:
        """Read the budgets that apply, with their balances. 403 for a blocked subject; 503 if the store fails."""
        try:
            return self.budgets.applicable(limits, context.started_ms // MILLISECONDS)
        except StoreError as error:
            raise budgets_unavailable() from error

    def _counted(self, context: RequestContext, error: ApiError) -> ApiError:
        """The error of a call that did not begin: it counts against rate limits, too."""
        return error if context.rates is None or context.counted else self.recorder.limits().count(context, error)

    def _bounded(self, context: RequestContext, command: Command, principal: Principal) -> Command:
        """A response's command with what it takes over, and a limit of tokens, where a budget needs one. 400 to 503."""
        from vectorgate.gateway.output_limit import limited  # noqa: PLC0415 - of responses alone

        if command.body.get("previous_response_id") is not None and command.mock_response is None:
            from vectorgate.gateway.continuing import continued  # noqa: PLC0415 - of responses that continue another

            command = continued(context, command, principal, self.recorder.ledger, self.budgets.ownership)
        return limited(command, principal.key, self.budgets.output_ceiling(context.budgets))

    def _on_store(
        self, context: RequestContext, command: Command, target: Target, limits: Sequence[tuple[Subject, Limit]]
    ) -> Command:
        """The command under what its owner's team and budgets say. 400, 429; 503 if the store fails."""
        from vectorgate.gateway.store_terms import StoreTerms  # noqa: PLC0415 - of stores with limits, or shared

        terms = StoreTerms(self.budgets, self.authenticator, self.openai.providers, self.store_rules or {})
        return terms.apply(command, context, target.borrowed, limits)

    def _forward(
        self, context: RequestContext, command: Command, principal: Principal, target: Target, policy: Policy
    ) -> Answer:
        """Send the command to the provider, within the call's deadline."""
        if command.mock_response is not None:
            return Answer(status=200, headers={}, document=with_both_sizes(dict(command.mock_response)))
        client = ProviderClient(
            provider=self.providers[target.provider],
            credentials=self.credentials,
            transport=self.transport,
            clock=self.clock,
            randomness=self.randomness,
            deadline=context.began + min(self._seconds(command, policy) - context.waited, context.left),
            attempts=policy.attempts or MAX_ATTEMPTS,
            send_before=policy.send_before,
            before_repeat=lambda: self.recorder.note_repeat(context, self.randomness.bits(74)),
        )
        began = self.clock.monotonic()
        try:
            if command.operation.deletes is not None:
                self._before_deletion(context, command, client)
            return context.surface.forward(command, principal, target, context.id, client)
        finally:
            context.upstream_seconds = self.clock.monotonic() - began

    def _before_deletion(self, context: RequestContext, command: Command, client: ProviderClient) -> None:
        """Record what only the object shows while it is there. Unavailable (503) if the ledger cannot be written."""
        if command.operation.name == _DELETE_RESPONSE:
            self._seen(context, command).before_deletion(client)
        from vectorgate.gateway.unanswered_create import answer_create_of  # noqa: PLC0415 - of deletions alone

        try:
            answer_create_of(command, context.provider, self.recorder.ledger, self.openai.ownership, self.clock)
        except StoreError as error:
            raise ledger_unavailable() from error


def _is_limited(*limits: int | None) -> bool:
    return any(limit is not None for limit in limits)
