"""`POST /health/services?service=webhook`: deliver a test record to a destination, as LiteLLM's route does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from vectorgate.admin.lists import refuse_unknown
from vectorgate.api.errors import InvalidRequest, Unavailable
from vectorgate.api.schemas.error_messages import listed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

PATH: Final = "/health/services"
SERVICE: Final = "service"
# LiteLLM's names for the same destinations.
ALIASES: Final[Mapping[str, str]] = {"slack_budget_alerts": "slack", "opentelemetry": "otel"}


def _not_chosen(chosen: Sequence[str]) -> str:
    if not chosen:
        return "No destination of exports is configured on this gateway."
    return f"Invalid '{SERVICE}': expected {listed(chosen, 'or')}, which this gateway exports to."


def check(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Deliver a test record to a destination. InvalidRequest for one that is not chosen, Unavailable if it fails."""
    refuse_unknown(request.query, {SERVICE})
    named = request.query.get(SERVICE, "")
    if not named:
        raise InvalidRequest(
            f"Missing required parameter: '{SERVICE}'.", code="missing_required_parameter", param=SERVICE
        )
    service = ALIASES.get(named, named)
    checked = deps.exports.check(service)
    if checked.chosen is not None:
        raise InvalidRequest(_not_chosen(checked.chosen), code="invalid_value", param=SERVICE)
    if checked.error is not None:
        raise Unavailable(f"The test record did not reach {service}: {checked.error}.", code="service_unavailable")
    return {"status": "success", "message": f"A test record reached {service}."}
