"""Handle invocations: parse the payload, execute its command, and write the result."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import ApiError, PayloadTooLarge
from vectorgate.api.http import JSON, MAX_LAMBDA_RESPONSE, Response, buffered
from vectorgate.auth.trusted import TrustedPrincipal
from vectorgate.classes import dataclass
from vectorgate.entrypoints.invoke import payload as payloads
from vectorgate.entrypoints.lambda_http import answer

if TYPE_CHECKING:
    from vectorgate.api.command import Command
    from vectorgate.auth.principal import Principal
    from vectorgate.entrypoints.lambda_http import LambdaResponse
    from vectorgate.gateway.context import RequestContext
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.gateway.policy import Policy

INVOKER: Final = "invoker"  # the key alias, in the ledger, of calls without a key


@dataclass(frozen=True, slots=True)
class InvokeHandler:
    """Executes invocations by the gateway. `trusts_invoker`: an invoker may name any team, without a key of it."""

    gateway: Gateway
    trusts_invoker: bool = False

    def answer(self, payload: object, invocation_id: str | None) -> LambdaResponse:
        """The result of one invocation. Errors are results, too: an asynchronous invocation that raises is repeated."""
        telemetry = self.gateway.telemetry
        try:
            return write(answer(lambda: self._respond(payload, invocation_id), telemetry))
        finally:
            telemetry.flush()

    def _respond(self, payload: object, invocation_id: str | None) -> Response:
        """As `Gateway.handle` does for HTTP: authenticate, parse, execute, render."""
        invocation = payloads.read(payload, trusts_invoker=self.trusts_invoker, invocation_id=invocation_id)
        gateway = self.gateway
        context = gateway.new_context()
        try:
            principal = context.principal = self._principal(invocation)
            command, policy = self._parse(invocation, context)
        except ApiError as error:
            gateway.refuse(context, error)
        else:
            gateway.execute(command, principal, policy, context)
        return gateway.render(context)

    def _principal(self, invocation: payloads.Invocation) -> Principal:
        if invocation.team is None:
            return self.gateway.authenticator.authenticate(invocation.api_key)
        return TrustedPrincipal.of_team(invocation.team, caller=INVOKER, unix_s=self.gateway.clock.unix_s())

    def _parse(self, invocation: payloads.Invocation, context: RequestContext) -> tuple[Command, Policy]:
        context.operation = invocation.operation.name
        context.end_user, context.tags = invocation.attribution()
        return invocation.command(self.gateway.openai), invocation.policy()


def write(response: Response) -> LambdaResponse:
    """`{"status", "headers", "body"}`: the body as JSON; bytes in base64, with `"encoding": "base64"` beside them."""
    whole = buffered(response.body, MAX_LAMBDA_RESPONSE)
    if whole is None:
        return write(_too_large())
    content = whole.read()
    whole.close()
    textual = response.headers.get("content-type", JSON).startswith(JSON)
    if (len(content) if textual else (len(content) + 2) // 3 * 4) > MAX_LAMBDA_RESPONSE:
        return write(_too_large())
    result: LambdaResponse = {"status": response.status, "headers": dict(response.headers)}
    if textual:
        return {**result, "body": json.loads(content)}
    return {**result, "body": base64.b64encode(content).decode("ascii"), "encoding": "base64"}


def _too_large() -> Response:
    error = PayloadTooLarge(
        "The answer is larger than the 6 MB that Lambda returns. Request it over HTTP, or request less at a time.",
        code="response_too_large",
    )
    return Response.of_json(error.status, error.envelope(), error.headers)
