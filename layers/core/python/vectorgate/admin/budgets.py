"""`/team/...` and `/customer/...`: LiteLLM's routes and field names for what a team or an end user may spend."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import StrictBool, StrictFloat, StrictInt, StringConstraints

from vectorgate.admin.key_requests import label, metadata_text
from vectorgate.admin.races import ATTEMPTS, met_another
from vectorgate.api import schemas
from vectorgate.api.errors import InvalidRequest, NotFound
from vectorgate.api.schemas.fields import WireModel
from vectorgate.budgets.model import (
    Account,
    Balance,
    BudgetScope,
    Limit,
    Subject,
    budget_amount,
    budget_duration,
    window_of,
)
from vectorgate.ids import is_label
from vectorgate.pricing.money import NANO_PER_USD
from vectorgate.store_errors import AlreadyExists, StateConflict

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

MAX_BODY: Final = 64 * 1024

Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Amount = StrictInt | StrictFloat
Duration = Annotated[str, StringConstraints(max_length=16)]


class Terms(WireModel):
    """What is said of a team or an end user. In an update, fields that are not sent stay, and null takes away."""

    max_budget: Amount | None = None
    soft_budget: Amount | None = None
    budget_duration: Duration | None = None
    blocked: StrictBool | None = None
    metadata: dict[str, object] | None = None


class Team(Terms):
    """`POST /team/new` and `POST /team/update`."""

    team_id: Name
    team_alias: Name | None = None


class Customer(Terms):
    """`POST /customer/new` and `POST /customer/update`."""

    user_id: Name
    alias: Name | None = None


def new_team(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Give a team a budget. A team needs none to exist: keys that name it are its members."""
    wish = schemas.validate(Team, _body(request))
    return _team(wish.team_id, _added(_subject(wish), wish, deps), deps)


def update_team(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Change what is sent; it counts within 30 s everywhere. Calls under way end as they began."""
    wish = schemas.validate(Team, _body(request))
    return _team(wish.team_id, _updated(_subject(wish), wish, deps), deps)


def team_info(request: Request, deps: AdminDeps) -> dict[str, object]:
    """What a team may spend and has spent."""
    name = request.query.get("team_id", "")
    limit = _found(Subject(BudgetScope.TEAM, name), "team_id", deps)
    return {"team_id": name, "team_info": _team(name, limit, deps)}


def new_customer(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Give an end user a budget, by the name that callers give him."""
    wish = schemas.validate(Customer, _body(request))
    return _customer(wish.user_id, _added(_subject(wish), wish, deps), deps)


def update_customer(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Change what is sent; it counts within 30 s everywhere. Calls under way end as they began."""
    wish = schemas.validate(Customer, _body(request))
    return _customer(wish.user_id, _updated(_subject(wish), wish, deps), deps)


def customer_info(request: Request, deps: AdminDeps) -> dict[str, object]:
    """What an end user may spend and has spent."""
    name = request.query.get("end_user_id", "")
    return _customer(name, _found(Subject(BudgetScope.END_USER, name), "end_user_id", deps), deps)


def _body(request: Request) -> dict[str, object]:
    return schemas.parse_json_object(request.body.read(), request.headers.get("content-type"), max_bytes=MAX_BODY)


def _param(subject: Subject) -> str:
    return "team_id" if subject.scope is BudgetScope.TEAM else "user_id"


def _subject(wish: Team | Customer) -> Subject:
    name, scope = (wish.team_id, BudgetScope.TEAM) if isinstance(wish, Team) else (wish.user_id, BudgetScope.END_USER)
    subject = Subject(scope, name)
    label(_param(subject), name)
    return subject


def _added(subject: Subject, wish: Team | Customer, deps: AdminDeps) -> Limit:
    limit = replace(_changed(Limit(since=deps.clock.unix_s()), wish), version=1)
    if limit == Limit(since=limit.since, duration=limit.duration):
        raise InvalidRequest(
            "Missing required parameter: 'max_budget'.", code="missing_required_parameter", param="max_budget"
        )
    try:
        deps.stores.budgets.add_limit(subject, limit)
    except AlreadyExists:
        param = _param(subject)
        raise InvalidRequest(f"'{param}' has a budget already.", code="already_exists", param=param) from None
    return limit


def _updated(subject: Subject, wish: Team | Customer, deps: AdminDeps) -> Limit:
    param = _param(subject)
    for _ in range(ATTEMPTS):
        limit = _changed(_found(subject, param, deps), wish)
        with suppress(StateConflict):
            deps.stores.budgets.replace_limit(subject, limit)
            return limit
    raise met_another(param)


def _changed(limit: Limit, wish: Team | Customer) -> Limit:
    """The next row: what was sent in place of what stood there."""
    alias = ("team_alias", wish.team_alias) if isinstance(wish, Team) else ("alias", wish.alias)
    asked: dict[str, tuple[str, Any]] = {
        "max_budget": ("max_budget", budget_amount("max_budget", wish.max_budget)),
        "soft_budget": ("soft_budget", budget_amount("soft_budget", wish.soft_budget)),
        "budget_duration": ("duration", budget_duration(wish.budget_duration)),
        "blocked": ("blocked", bool(wish.blocked)),
        "metadata": ("metadata", metadata_text(wish.metadata)),
        alias[0]: ("alias", label(*alias)),
    }
    changes = dict(asked[name] for name in asked if name in wish.model_fields_set)
    return replace(limit, **changes, version=limit.version + 1)


def _found(subject: Subject, param: str, deps: AdminDeps) -> Limit:
    limit = deps.stores.budgets.limits([subject]).get(subject) if is_label(subject.id) else None
    if limit is None:
        raise NotFound("No such budget.", param=param)
    return limit


def _team(name: str, limit: Limit, deps: AdminDeps) -> dict[str, object]:
    about = {"team_id": name, "team_alias": limit.alias, **_noted(limit)}
    return {**about, **shown(Subject(BudgetScope.TEAM, name), limit, deps)}


def _customer(name: str, limit: Limit, deps: AdminDeps) -> dict[str, object]:
    about = {"user_id": name, "alias": limit.alias, **_noted(limit)}
    return {**about, **shown(Subject(BudgetScope.END_USER, name), limit, deps)}


def _noted(limit: Limit) -> dict[str, object]:
    return {"blocked": limit.blocked, "metadata": json.loads(limit.metadata) if limit.metadata is not None else {}}


def shown(subject: Subject, limit: Limit | None, deps: AdminDeps) -> dict[str, object]:
    """A budget under LiteLLM's names: dollars, of the period that it is in."""
    if limit is None:
        return {"max_budget": None, "soft_budget": None, "budget_duration": None, "budget_reset_at": None}
    window = window_of(limit, deps.clock.unix_s())
    account = Account(subject, window.period)
    balance = deps.stores.budgets.balances([account]).get(account, Balance())
    return {
        "max_budget": usd(limit.max_budget),
        "soft_budget": usd(limit.soft_budget),
        "budget_duration": limit.duration,
        "budget_reset_at": datetime.fromtimestamp(window.ends_at, UTC).isoformat() if window.ends_at else None,
        "spend": usd(balance.spent),
        "reserved": usd(balance.reserved),
        "spend_nano_usd": balance.spent,
    }


def usd(nano: int | None) -> float | None:
    """Dollars, for people; beside it stands the same in nano-dollars, exactly."""
    if nano is None:
        return None
    return nano / NANO_PER_USD if nano % NANO_PER_USD else nano // NANO_PER_USD
