"""The HTTP front door: API Gateway HTTP API, payload format 2.0, every path that is not the admin function's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.bootstrap import deployed_gateway
from vectorgate.entrypoints.function import Event, Function
from vectorgate.entrypoints.lambda_http import Result, serve

if TYPE_CHECKING:
    from vectorgate.gateway.pipeline import Gateway


def act(event: Event, gateway: Gateway) -> Result:
    """One request through the gateway."""
    return serve(gateway, event, gateway.telemetry)


handler = Function(act, deployed_gateway)
