"""Direct invocation: the AWS SDK, Step Functions, or any event that carries an operation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.bootstrap import deployed_invoke

if TYPE_CHECKING:
    from collections.abc import Callable

    from vectorgate.entrypoints.invoke.invocations import InvokeHandler
    from vectorgate.entrypoints.lambda_http import Result


class InvokeFunction:
    """As `entrypoints.function.Function`; the payload is any JSON, and the invocation has an id.

    Lambda delivers an `Event` again when it is in doubt, under the same request id: a create is recognised by it.
    """

    def __init__(self, deployed: Callable[[], InvokeHandler]) -> None:
        self._deployed = deployed

    def __call__(self, payload: object, context: object) -> Result:
        """One invocation."""
        return self._deployed().answer(payload, getattr(context, "aws_request_id", None))

    def bound_to(self, handler: InvokeHandler) -> InvokeFunction:
        """The same function around that handler."""
        return InvokeFunction(lambda: handler)


handler = InvokeFunction(deployed_invoke)
