"""Keys and spend, for the holder of the master key. Its role writes what the api's may only read."""

from vectorgate.admin.deployed import deployed_admin
from vectorgate.admin.app import AdminDesk
from vectorgate.entrypoints.function import Event, Function
from vectorgate.entrypoints.lambda_http import Result, serve


def act(event: Event, desk: AdminDesk) -> Result:
    """One administrator's request."""
    return serve(desk, event, desk.telemetry)


handler = Function(act, deployed_admin)
