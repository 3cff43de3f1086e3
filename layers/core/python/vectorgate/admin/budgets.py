"""`/team/...` and `/customer/...`: LiteLLM's routes and field names for what a team or an end user may spend."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import StrictFloat, StrictInt, StringConstraints

from vectorgate import wire
from vectorgate.budgets.model import Account, Balance, BudgetScope, Limit, Subject, limit_of, window_of
from vectorgate.errors import InvalidRequest, NotFound
from vectorgate.ids import is_label
from vectorgate.money import NANO_PER_USD
from vectorgate.stores import AlreadyExists
from vectorgate.wire.fields import WireModel

if TYPE_CHECKING:
    from vectorgate.admin.parts import AdminParts
    from vectorgate.messages import Request

MAX_BODY: Final = 64 * 1024

Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Amount = StrictInt | StrictFloat
Duration = Annotated[str, StringConstraints(max_length=16)]


class NewTeam(WireModel):
    """`POST /team/new`."""

    team_id: Name
    max_budget: Amount | None = None
    soft_budget: Amount | None = None
    budget_duration: Duration | None = None


class NewCustomer(WireModel):
    """`POST /customer/new`."""

    user_id: Name
    max_budget: Amount | None = None
    soft_budget: Amount | None = None
    budget_duration: Duration | None = None


def new_team(request: Request, parts: AdminParts) -> dict[str, object]:
    """Give a team a budget. A team needs none to exist: keys that name it are its members."""
    body = wire.parse_json_object(request.body.read(), request.headers.get("content-type"), max_bytes=MAX_BODY)
    wish = wire.validate(NewTeam, body)
    return {"team_id": wish.team_id, **_added(Subject(BudgetScope.TEAM, wish.team_id), wish, "team_id", parts)}


def new_customer(request: Request, parts: AdminParts) -> dict[str, object]:
    """Give an end user a budget, by the name that callers give him."""
    body = wire.parse_json_object(request.body.read(), request.headers.get("content-type"), max_bytes=MAX_BODY)
    wish = wire.validate(NewCustomer, body)
    return {"user_id": wish.user_id, **_added(Subject(BudgetScope.END_USER, wish.user_id), wish, "user_id", parts)}


def team_info(request: Request, parts: AdminParts) -> dict[str, object]:
    """What a team may spend and has spent."""
    name = request.query.get("team_id", "")
    return {"team_id": name, "team_info": {"team_id": name, **_found(BudgetScope.TEAM, name, "team_id", parts)}}


def customer_info(request: Request, parts: AdminParts) -> dict[str, object]:
    """What an end user may spend and has spent."""
    name = request.query.get("end_user_id", "")
    return {"user_id": name, **_found(BudgetScope.END_USER, name, "end_user_id", parts)}


def _added(subject: Subject, wish: NewTeam | NewCustomer, param: str, parts: AdminParts) -> dict[str, object]:
    if not is_label(subject.id):
        raise InvalidRequest(
            f"Invalid '{param}': expected 1 to 128 printable characters without '#'.", code="invalid_value", param=param
        )
    limit = limit_of(wish.max_budget, wish.soft_budget, wish.budget_duration, parts.clock.unix_s())
    if limit is None:
        raise InvalidRequest(
            "Missing required parameter: 'max_budget'.", code="missing_required_parameter", param="max_budget"
        )
    try:
        parts.stores.budgets.add_limit(subject, limit)
    except AlreadyExists:
        raise InvalidRequest(f"'{param}' has a budget already.", code="already_exists", param=param) from None
    return shown(subject, limit, parts)


def _found(scope: BudgetScope, name: str, param: str, parts: AdminParts) -> dict[str, object]:
    subject = Subject(scope, name)
    limit = parts.stores.budgets.limits([subject]).get(subject) if is_label(name) else None
    if limit is None:
        raise NotFound("No such budget.", param=param)
    return shown(subject, limit, parts)


def shown(subject: Subject, limit: Limit | None, parts: AdminParts) -> dict[str, object]:
    """A budget under LiteLLM's names: dollars, of the period that it is in."""
    if limit is None:
        return {"max_budget": None, "soft_budget": None, "budget_duration": None, "budget_reset_at": None}
    window = window_of(limit, parts.clock.unix_s())
    account = Account(subject, window.period)
    balance = parts.stores.budgets.balances([account]).get(account, Balance())
    return {
        "max_budget": _usd(limit.max_budget),
        "soft_budget": _usd(limit.soft_budget),
        "budget_duration": limit.duration,
        "budget_reset_at": datetime.fromtimestamp(window.ends_at, UTC).isoformat() if window.ends_at else None,
        "spend": _usd(balance.spent),
        "reserved": _usd(balance.reserved),
        "spend_nano_usd": balance.spent,
    }


def _usd(nano: int | None) -> float | None:
    if nano is None:
        return None
    return nano / NANO_PER_USD if nano % NANO_PER_USD else nano // NANO_PER_USD
