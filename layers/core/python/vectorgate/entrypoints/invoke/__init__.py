"""Direct invocation: by the AWS SDK, Step Functions, or any event that contains an operation."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from vectorgate.bootstrap import deployed_gateway, deployed_settings
from vectorgate.entrypoints.invoke.invocations import InvokeHandler
from vectorgate.entrypoints.lambda_http import started

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.entrypoints.lambda_http import LambdaResponse
    from vectorgate.settings import Settings


class InvokeFunction:
    """As `entrypoints.function.Function`, with any JSON as payload, and with the invocation's id.

    Lambda may deliver an asynchronous invocation twice, under one request id, which identifies a repeated create.
    """

    def __init__(self, deployed: Callable[[], InvokeHandler], settings: Callable[[], Settings] | None = None) -> None:
        self._deployed = deployed
        self._settings = settings

    def prepare(self) -> None:
        """As `Function`'s."""
        gateway = self._deployed().gateway
        if self._settings is not None:
            started(gateway, self._settings())

    def __call__(self, payload: object, context: object) -> LambdaResponse:
        """Handle one invocation."""
        handler, invocation_id = self._deployed(), getattr(context, "aws_request_id", None)
        handler.gateway.telemetry.invoked(invocation_id)
        return handler.answer(payload, invocation_id)

    def bound_to(self, handler: InvokeHandler) -> InvokeFunction:
        """The same function for that handler."""
        return InvokeFunction(lambda: handler)


@cache
def _deployed() -> InvokeHandler:
    return InvokeHandler(deployed_gateway(), trusts_invoker=deployed_settings().trust_invoker)


handler = InvokeFunction(_deployed, deployed_settings)
