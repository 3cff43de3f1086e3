"""Keys, budgets and spend, for the holder of the master key. Its role writes what the api function may only read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.bootstrap import deployed_admin
from vectorgate.entrypoints.function import Event, Function
from vectorgate.entrypoints.lambda_http import Result, serve

if TYPE_CHECKING:
    from vectorgate.admin.app import AdminApp


def act(event: Event, app: AdminApp) -> Result:
    """One administrator's request."""
    return serve(app, event, app.telemetry)


handler = Function(act, deployed_admin)
