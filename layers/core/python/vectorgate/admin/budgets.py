"""`/team/...` and `/customer/...`: LiteLLM's routes and field names for the budgets of teams and end users."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import StrictBool, StrictFloat, StrictInt, StringConstraints

from vectorgate.admin.conflicts import retry_on_conflict
from vectorgate.admin.fields import dollars, iso_time, label, metadata_object, metadata_text, read_body
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
from vectorgate.store_errors import AlreadyExists

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Amount = StrictInt | StrictFloat
Duration = Annotated[str, StringConstraints(max_length=16)]


class Terms(WireModel):
    """The terms of a team or an end user. In an update, a field that is not sent stays, and null removes its value."""

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
    """Give a team a budget. A team exists without one: keys that name it are its members."""
    body = schemas.validate(Team, read_body(request))
    return _team(body.team_id, _add(_subject(body), body, deps), deps)


def update_team(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Change the fields that are sent. Effective within 30 s everywhere; calls under way end as they began."""
    body = schemas.validate(Team, read_body(request))
    return _team(body.team_id, _update(_subject(body), body, deps), deps)


def team_info(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A team's budget, and what was spent of it."""
    name = request.query.get("team_id", "")
    limit = _find(Subject(BudgetScope.TEAM, name), "team_id", deps)
    return {"team_id": name, "team_info": _team(name, limit, deps)}


def new_customer(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Give an end user a budget, by the name that callers send in `user`."""
    body = schemas.validate(Customer, read_body(request))
    return _customer(body.user_id, _add(_subject(body), body, deps), deps)


def update_customer(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Change the fields that are sent. Effective within 30 s everywhere; calls under way end as they began."""
    body = schemas.validate(Customer, read_body(request))
    return _customer(body.user_id, _update(_subject(body), body, deps), deps)


def customer_info(request: Request, deps: AdminDeps) -> dict[str, object]:
    """An end user's budget, and what was spent of it."""
    name = request.query.get("end_user_id", "")
    return _customer(name, _find(Subject(BudgetScope.END_USER, name), "end_user_id", deps), deps)


def _param(subject: Subject) -> str:
    return "team_id" if subject.scope is BudgetScope.TEAM else "user_id"


def _subject(body: Team | Customer) -> Subject:
    name, scope = (body.team_id, BudgetScope.TEAM) if isinstance(body, Team) else (body.user_id, BudgetScope.END_USER)
    subject = Subject(scope, name)
    label(_param(subject), name)
    return subject


def _add(subject: Subject, body: Team | Customer, deps: AdminDeps) -> Limit:
    limit = replace(_changed(Limit(since=deps.clock.unix_s()), body), version=1)
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


def _update(subject: Subject, body: Team | Customer, deps: AdminDeps) -> Limit:
    param = _param(subject)

    def replace_row() -> Limit:
        limit = _changed(_find(subject, param, deps), body)
        deps.stores.budgets.replace_limit(subject, limit)
        return limit

    return retry_on_conflict(param, replace_row)


def _changed(limit: Limit, body: Team | Customer) -> Limit:
    """The next row: the values that were sent in place of those before."""
    alias = ("team_alias", body.team_alias) if isinstance(body, Team) else ("alias", body.alias)
    values: dict[str, tuple[str, Any]] = {
        "max_budget": ("max_budget", budget_amount("max_budget", body.max_budget)),
        "soft_budget": ("soft_budget", budget_amount("soft_budget", body.soft_budget)),
        "budget_duration": ("duration", budget_duration(body.budget_duration)),
        "blocked": ("blocked", bool(body.blocked)),
        "metadata": ("metadata", metadata_text(body.metadata)),
        alias[0]: ("alias", label(*alias)),
    }
    changes = dict(values[name] for name in values if name in body.model_fields_set)
    return replace(limit, **changes, version=limit.version + 1)


def _find(subject: Subject, param: str, deps: AdminDeps) -> Limit:
    limit = deps.stores.budgets.limits([subject]).get(subject) if is_label(subject.id) else None
    if limit is None:
        raise NotFound("No such budget.", param=param)
    return limit


def _team(name: str, limit: Limit, deps: AdminDeps) -> dict[str, object]:
    budget = budget_fields(Subject(BudgetScope.TEAM, name), limit, deps)
    return {"team_id": name, "team_alias": limit.alias, **_other_fields(limit), **budget}


def _customer(name: str, limit: Limit, deps: AdminDeps) -> dict[str, object]:
    budget = budget_fields(Subject(BudgetScope.END_USER, name), limit, deps)
    return {"user_id": name, "alias": limit.alias, **_other_fields(limit), **budget}


def _other_fields(limit: Limit) -> dict[str, object]:
    return {"blocked": limit.blocked, "metadata": metadata_object(limit.metadata)}


def budget_fields(subject: Subject, limit: Limit | None, deps: AdminDeps) -> dict[str, object]:
    """A budget under LiteLLM's names, in dollars, with what was spent and is reserved in the current period."""
    if limit is None:
        return {"max_budget": None, "soft_budget": None, "budget_duration": None, "budget_reset_at": None}
    window = window_of(limit, deps.clock.unix_s())
    account = Account(subject, window.period)
    balance = deps.stores.budgets.balances([account]).get(account, Balance())
    return {
        "max_budget": dollars(limit.max_budget),
        "soft_budget": dollars(limit.soft_budget),
        "budget_duration": limit.duration,
        "budget_reset_at": iso_time(window.ends_at),
        "spend": dollars(balance.spent),
        "reserved": dollars(balance.reserved),
        "spend_nano_usd": balance.spent,
    }
