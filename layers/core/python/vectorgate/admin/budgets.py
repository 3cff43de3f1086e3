"""`/team/...` and `/customer/...`: LiteLLM's routes and field names for the budgets of teams and end users."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import StrictBool, StringConstraints

from vectorgate.admin.conflicts import retry_on_conflict
from vectorgate.admin.fields import Dollars, label, metadata_object, metadata_text, optional_label, read_body, required
from vectorgate.admin.pending_storage import pending_storage_fields
from vectorgate.admin.rate_fields import RATE_FIELDS, AtATime, PerMinute, rate_fields
from vectorgate.admin.spent import Spent
from vectorgate.admin.store_rule_fields import Count, Days, changed_rules, count_anew, rule_fields
from vectorgate.api import schemas
from vectorgate.api.errors import InvalidRequest, NotFound
from vectorgate.api.schemas.error_messages import clip
from vectorgate.api.schemas.fields import WireModel
from vectorgate.budgets.model import BudgetScope, Limit, Subject, budget_amount, budget_duration
from vectorgate.ids import is_label, normal_name
from vectorgate.ledger.entry import new_operation_id
from vectorgate.store_errors import AlreadyExists

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request

Name = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Duration = Annotated[str, StringConstraints(max_length=16)]
_NOUNS: Final = {BudgetScope.TEAM: "team", BudgetScope.END_USER: "customer"}


class Terms(WireModel):
    """The terms of a team or an end user. In an update, a field that is not sent stays, and null removes its value."""

    max_budget: Dollars | None = None
    soft_budget: Dollars | None = None
    budget_duration: Duration | None = None
    blocked: StrictBool | None = None
    metadata: dict[str, object] | None = None
    rpm_limit: PerMinute | None = None
    tpm_limit: PerMinute | None = None
    max_parallel_requests: AtATime | None = None


class Team(Terms):
    """`POST /team/new` and `POST /team/update`."""

    team_id: Name
    team_alias: Name | None = None
    default_expires_after_days: Days | None = None
    max_expires_after_days: Days | None = None
    max_vector_stores: Count | None = None
    max_vector_store_gib: Count | None = None


class Customer(Terms):
    """`POST /customer/new` and `POST /customer/update`."""

    user_id: Name
    alias: Name | None = None


def new_team(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Make a team, with a budget or without one. Without `team_id` one is made."""
    sent = read_body(request)
    if sent.get("team_id") is None:
        sent["team_id"] = new_operation_id(deps.clock, deps.randomness)
    body = schemas.validate(Team, sent)
    subject = _subject(body)
    return shown_team(subject, _add(subject, body, deps), deps)


def update_team(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Change the fields that are sent. Effective within 5 s everywhere; calls in progress end as they began."""
    body = schemas.validate(Team, read_body(request))
    return shown_team(*_update(body, deps), deps)


def new_customer(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Make an end user, by the name that callers send in `user`, with a budget or without one."""
    body = schemas.validate(Customer, read_body(request))
    subject = _subject(body)
    return _customer(subject, _add(subject, body, deps), deps)


def update_customer(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Change the fields that are sent. Effective within 5 s everywhere; calls in progress end as they began."""
    body = schemas.validate(Customer, read_body(request))
    return _customer(*_update(body, deps), deps)


def customer_info(request: Request, deps: AdminDeps) -> dict[str, object]:
    """An end user's budget, their spend in all and by call type, and their storage that is not charged yet."""
    subject, limit = known(BudgetScope.END_USER, required(request, "end_user_id"), "end_user_id", deps)
    return _customer(subject, limit, deps) | details_of(subject, limit, deps)


def details_of(subject: Subject, limit: Limit | None, deps: AdminDeps) -> dict[str, object]:
    """What is shown of one subject, and not in lists."""
    return pending_storage_fields(subject, limit, deps) | Spent(deps).lines_of(subject, limit)


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
    try:
        deps.stores.budgets.add_limit(subject, limit)
    except AlreadyExists:
        raise _taken(subject, body, deps) from None
    count_anew(subject, None, body, deps)
    return limit


def _taken(subject: Subject, body: Team | Customer, deps: AdminDeps) -> InvalidRequest:
    _, _, param = _named(body)
    found = deps.stores.budgets.limits([subject]).get(subject)
    if found is not None and found.deleted_at is not None:
        return deleted_team(subject.id)
    update = "/team/update" if isinstance(body, Team) else "/customer/update"
    message = f"'{param}' exists already: change it with POST {update}."
    return InvalidRequest(message, code="already_exists", param=param)


def deleted_team(name: str) -> InvalidRequest:
    """The error for the id of a team that was deleted: with it, another team would get its stores."""
    message = f"The team '{clip(name)}' was deleted, and its id is not given again: it still owns its stores."
    return InvalidRequest(message, code="team_deleted", param="team_id")


def require_team(name: str, deps: AdminDeps, *, create: bool) -> None:
    """Check that the team of a new key exists; with `create`, make it if it does not. InvalidRequest.

    A mistyped name would otherwise be a tenant of its own, to which the stores of the intended team do not exist.
    """
    subject = Subject(BudgetScope.TEAM, name)
    found = deps.stores.budgets.limits([subject]).get(subject)
    if found is not None and found.deleted_at is not None:
        raise deleted_team(name)
    if found is not None:
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
        count_anew(subject, limit, body, deps)
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
        **{name: (name, getattr(body, name)) for name in RATE_FIELDS},
        alias[0]: ("alias", optional_label(*alias)),
    }
    changes = dict(values[name] for name in values if name in body.model_fields_set)
    if isinstance(body, Team):
        changes["store_rules"] = changed_rules(limit, body)
    return replace(limit, **changes, version=limit.version + 1)


def _find(scope: BudgetScope, name: str, param: str, deps: AdminDeps) -> tuple[Subject, Limit]:
    """The budget of the name's normal form, else of the name as it is: earlier releases kept any form. NotFound."""
    subjects = [Subject(scope, form) for form in dict.fromkeys((normal_name(name), name)) if is_label(form)]
    limits = deps.stores.budgets.limits(subjects)
    for subject in subjects:
        if subject in limits and limits[subject].deleted_at is None:
            return subject, limits[subject]
    raise NotFound(f"No such {_NOUNS[scope]}.", param=param)


def known(scope: BudgetScope, name: str, param: str, deps: AdminDeps) -> tuple[Subject, Limit | None]:
    """As `_find`; without a limit where the name has none and has spent, or is the team of a key. NotFound."""
    try:
        return _find(scope, name, param, deps)
    except NotFound:
        subject = Subject(scope, normal_name(name))
        if is_label(subject.id) and subject not in deps.stores.budgets.limits([subject]) and _is_used(subject, deps):
            return subject, None
    raise NotFound(f"No such {_NOUNS[scope]}.", param=param)


def _is_used(subject: Subject, deps: AdminDeps) -> bool:
    """Whether a name without a row has spent, or is the team of a key."""
    if Spent(deps).has_called(subject):
        return True
    return subject.scope is BudgetScope.TEAM and any(row.team_id == subject.id for row in deps.stores.keys.all_keys())


def shown_team(subject: Subject, limit: Limit | None, deps: AdminDeps) -> dict[str, object]:
    """A team with its budget and spend."""
    return team_fields(subject, limit) | Spent(deps).fields_of(subject, limit)


def _customer(subject: Subject, limit: Limit | None, deps: AdminDeps) -> dict[str, object]:
    return customer_fields(subject, limit) | Spent(deps).fields_of(subject, limit)


def team_fields(subject: Subject, limit: Limit | None) -> dict[str, object]:
    """A team under LiteLLM's names, without its budget."""
    alias = limit.alias if limit is not None else None
    return {"team_id": subject.id, "team_alias": alias, **_other_fields(limit), **rule_fields(limit)}


def customer_fields(subject: Subject, limit: Limit | None) -> dict[str, object]:
    """An end user under LiteLLM's names, without their budget."""
    return {"user_id": subject.id, "alias": limit.alias if limit is not None else None, **_other_fields(limit)}


def _other_fields(limit: Limit | None) -> dict[str, object]:
    if limit is None:
        return {"blocked": False, "metadata": {}, **rate_fields(None)}
    return {"blocked": limit.blocked, "metadata": metadata_object(limit.metadata), **rate_fields(limit)}
