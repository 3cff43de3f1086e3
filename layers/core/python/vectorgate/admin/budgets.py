"""`/team/...` and `/customer/...`: LiteLLM's routes and field names for the budgets of teams and end users."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import StrictBool, StrictFloat, StrictInt, StringConstraints

from vectorgate.admin.conflicts import retry_on_conflict
from vectorgate.admin.fields import dollars, iso_time, label, metadata_object, metadata_text, optional_label, read_body
from vectorgate.admin.pending_storage import pending_storage_fields
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
from vectorgate.ids import is_label, normal_name
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
    """Make a team, with a budget or without one."""
    body = schemas.validate(Team, read_body(request))
    subject = _subject(body)
    return _team(subject, _add(subject, body, deps), deps)


def update_team(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Change the fields that are sent. Effective within 30 s everywhere; calls under way end as they began."""
    body = schemas.validate(Team, read_body(request))
    return _team(*_update(body, deps), deps)


def team_info(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A team's budget, what was spent of it, and what its storage comes to that is not charged yet."""
    subject, limit = _find(BudgetScope.TEAM, request.query.get("team_id", ""), "team_id", deps)
    shown = _team(subject, limit, deps) | pending_storage_fields(subject, limit, deps)
    return {"team_id": subject.id, "team_info": shown}


def new_customer(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Give an end user a budget, by the name that callers send in `user`."""
    body = schemas.validate(Customer, read_body(request))
    subject = _subject(body)
    return _customer(subject, _add(subject, body, deps), deps)


def update_customer(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Change the fields that are sent. Effective within 30 s everywhere; calls under way end as they began."""
    body = schemas.validate(Customer, read_body(request))
    return _customer(*_update(body, deps), deps)


def customer_info(request: Request, deps: AdminDeps) -> dict[str, object]:
    """An end user's budget, what was spent of it, and what their storage comes to that is not charged yet."""
    subject, limit = _find(BudgetScope.END_USER, request.query.get("end_user_id", ""), "end_user_id", deps)
    return _customer(subject, limit, deps) | pending_storage_fields(subject, limit, deps)


def _named(body: Team | Customer) -> tuple[BudgetScope, str, str]:
    """What has the budget: its scope, its name as it was sent, and the field that holds the name."""
    if isinstance(body, Team):
        return BudgetScope.TEAM, body.team_id, "team_id"
    return BudgetScope.END_USER, body.user_id, "user_id"


def _subject(body: Team | Customer) -> Subject:
    scope, name, param = _named(body)
    return Subject(scope, label(param, name))


def _add(subject: Subject, body: Team | Customer, deps: AdminDeps) -> Limit:
    limit = replace(_changed(Limit(since=deps.clock.unix_s()), body), version=1)
    if isinstance(body, Customer) and limit == Limit(since=limit.since, duration=limit.duration):
        raise InvalidRequest(
            "Missing required parameter: 'max_budget'.", code="missing_required_parameter", param="max_budget"
        )
    try:
        deps.stores.budgets.add_limit(subject, limit)
    except AlreadyExists:
        _, _, param = _named(body)
        update = "/team/update" if isinstance(body, Team) else "/customer/update"
        message = f"'{param}' exists already: change it with POST {update}."
        raise InvalidRequest(message, code="already_exists", param=param) from None
    return limit


def require_team(name: str, deps: AdminDeps, *, create: bool) -> None:
    """Check that the team of a new key exists; with `create`, make it if it does not. InvalidRequest.

    A mistyped name would otherwise be a tenant of its own, to which the stores of the intended team do not exist.
    """
    subject = Subject(BudgetScope.TEAM, name)
    if subject in deps.stores.budgets.limits([subject]):
        return
    if not create:
        raise InvalidRequest(
            f"Unknown team '{name}': make it with POST /team/new, or send 'create_team': true.",
            code="unknown_team",
            param="team_id",
        )
    with suppress(AlreadyExists):  # another request made it meanwhile
        deps.stores.budgets.add_limit(subject, Limit(since=deps.clock.unix_s()))


def _update(body: Team | Customer, deps: AdminDeps) -> tuple[Subject, Limit]:
    scope, name, param = _named(body)
    label(param, name)

    def replace_row() -> tuple[Subject, Limit]:
        subject, limit = _find(scope, name, param, deps)
        changed = _changed(limit, body)
        deps.stores.budgets.replace_limit(subject, changed)
        return subject, changed

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
        alias[0]: ("alias", optional_label(*alias)),
    }
    changes = dict(values[name] for name in values if name in body.model_fields_set)
    return replace(limit, **changes, version=limit.version + 1)


def _find(scope: BudgetScope, name: str, param: str, deps: AdminDeps) -> tuple[Subject, Limit]:
    """The budget of the name's normal form, else of the name as it is: earlier releases kept any form. NotFound."""
    subjects = [Subject(scope, form) for form in dict.fromkeys((normal_name(name), name)) if is_label(form)]
    limits = deps.stores.budgets.limits(subjects)
    for subject in subjects:
        if subject in limits:
            return subject, limits[subject]
    raise NotFound("No such budget.", param=param)


def _team(subject: Subject, limit: Limit, deps: AdminDeps) -> dict[str, object]:
    budget = budget_fields(subject, limit, deps)
    return {"team_id": subject.id, "team_alias": limit.alias, **_other_fields(limit), **budget}


def _customer(subject: Subject, limit: Limit, deps: AdminDeps) -> dict[str, object]:
    budget = budget_fields(subject, limit, deps)
    return {"user_id": subject.id, "alias": limit.alias, **_other_fields(limit), **budget}


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
