"""The HTTP front door: API Gateway HTTP API, payload format 2.0, every path that is not the admin function's."""

from vectorgate.assembly import deployed_gateway
from vectorgate.entrypoint import Event, Function
from vectorgate.gateway import Gateway
from vectorgate.lambda_http import Result, serve


def act(event: Event, gateway: Gateway) -> Result:
    """One request through the gateway."""
    return serve(gateway, event, gateway.telemetry)


handler = Function(act, deployed_gateway)
