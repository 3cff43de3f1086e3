"""Answers invocations: reads the payload, takes it through the gateway, and writes what came of it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import PayloadTooLarge
from vectorgate.api.http import JSON, MAX_CARRIED, Response
from vectorgate.auth.vouched import gateway_of, presented
from vectorgate.entrypoints.invoke import payload as payloads
from vectorgate.entrypoints.lambda_http import answer

if TYPE_CHECKING:
    from vectorgate.api.http import Request
    from vectorgate.entrypoints.lambda_http import Result
    from vectorgate.gateway.pipeline import Gateway


INVOKER: Final = "invoker"


@dataclass(frozen=True, slots=True)
class InvokeHandler:
    """`trusts_invoker`: whoever may invoke the function may name any team, and needs no key for it."""

    gateway: Gateway
    trusts_invoker: bool = False

    def answer(self, payload: object, invocation_id: str | None) -> Result:
        """The result of one invocation. A refusal is one, too: what raises is delivered again."""
        telemetry = self.gateway.telemetry
        try:
            invocation = _Invocation(self, payload, invocation_id)
            return write(answer(invocation, invocation.read, telemetry))
        finally:
            telemetry.flush()


class _Invocation:
    """One payload on its way; `read` finds out which gateway is to handle it."""

    def __init__(self, handler: InvokeHandler, payload: object, invocation_id: str | None) -> None:
        self._desk = handler
        self._payload = payload
        self._id = invocation_id
        self._team: str | None = None

    def read(self) -> Request:
        """The request that the payload means."""
        trusts = self._desk.trusts_invoker
        found = payloads.read(self._payload, trusts_invoker=trusts, invocation_id=self._id)
        self._team = found.team
        return found.request

    def handle(self, request: Request) -> Response:
        """The same descent as over HTTP, with the team's key where the invoker vouches for one."""
        gateway = self._desk.gateway
        if self._team is None:
            return gateway.handle(request)
        return gateway_of(gateway, self._team, INVOKER).handle(presented(request, INVOKER))


def write(response: Response) -> Result:
    """`{"status", "headers", "body"}`: the body as JSON; bytes in base64, with `"encoding": "base64"` beside them."""
    content = response.body.read()
    response.body.close()
    textual = response.headers.get("content-type", JSON).startswith(JSON)
    if (len(content) if textual else (len(content) + 2) // 3 * 4) > MAX_CARRIED:
        return write(_too_large())
    result: Result = {"status": response.status, "headers": dict(response.headers)}
    if textual:
        return {**result, "body": json.loads(content)}
    return {**result, "body": base64.b64encode(content).decode("ascii"), "encoding": "base64"}


def _too_large() -> Response:
    error = PayloadTooLarge(
        "The answer is larger than the 6 MB that Lambda returns. Ask for it over HTTP, or for less of it.",
        code="response_too_large",
    )
    return Response.of_json(error.status, error.envelope(), error.headers)
