"""The invoke function's Lambda handler, and its parts out of the deployment's environment."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from vectorgate import bootstrap_runtime as runtime
from vectorgate.bootstrap import deployed_gateway
from vectorgate.entrypoints.invoke.handler import InvokeDesk

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.entrypoints.lambda_http import Result


class InvokeFunction:
    """As `entrypoint.Function`, with what is ours alone: the payload is any JSON, and the invocation has a name.

    Lambda delivers an `Event` again when it is in doubt, under the same request id: a create is recognised by it.
    """

    def __init__(self, deployed: Callable[[], InvokeDesk]) -> None:
        self._deployed = deployed

    def __call__(self, payload: object, context: object) -> Result:
        """One invocation."""
        return self._deployed().answer(payload, getattr(context, "aws_request_id", None))

    def bound_to(self, desk: InvokeDesk) -> InvokeFunction:
        """The same function around that desk."""
        return InvokeFunction(lambda: desk)


@cache
def deployed_desk() -> InvokeDesk:
    """The invoke function."""
    return InvokeDesk(deployed_gateway(), trusts_invoker=runtime.deployed_settings().trust_invoker)
