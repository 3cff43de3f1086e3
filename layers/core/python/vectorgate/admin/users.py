"""`/user/...`: LiteLLM's routes and field names for the people whose keys name them in `user_id`.

A person has the teams of their keys. With a budget, what all their keys spend counts against it; without one, they have
spent what their keys have.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import Field, StrictBool

from vectorgate.admin.fields import (
    Dollars,
    dollars,
    invalid,
    label,
    metadata_object,
    metadata_text,
    optional_label,
    read_body,
    required,
)
from vectorgate.admin.key_list import described as listed
from vectorgate.admin.keys import Duration, GenerateKey, Label, Names, described, made_key
from vectorgate.admin.lists import MAX_SIZE, number, page_of, pages_of, refuse_unknown
from vectorgate.admin.rate_fields import RATE_FIELDS, AtATime, PerMinute, rate_fields
from vectorgate.admin.spent import Spent, added_lines
from vectorgate.api import schemas
from vectorgate.api.errors import InvalidRequest, NotFound
from vectorgate.api.schemas.fields import WireModel
from vectorgate.budgets.model import BudgetScope, Limit, Subject, budget_amount, budget_duration, key_limit
from vectorgate.classes import dataclass
from vectorgate.ids import is_label, normal_name
from vectorgate.ledger.entry import new_operation_id
from vectorgate.store_errors import AlreadyExists

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.auth.keys.model import VirtualKey

_BUDGET: Final = ("max_budget", "soft_budget", "budget_duration", "budget_reset_at", "reserved")
DEFAULT_SIZE: Final = 25
ROLE: Final = "internal_user"  # LiteLLM's: people have no rights here, their keys have
PARAMETERS: Final = frozenset({"page", "page_size", "user_ids", "user_email"})


class UserTerms(WireModel):
    """What a person has, by LiteLLM's names. In an update, a field that is not sent stays, and null removes it."""

    user_email: Label | None = None
    user_alias: Label | None = None
    user_role: Literal["internal_user"] | None = None
    metadata: dict[str, object] | None = None
    max_budget: Dollars | None = None
    soft_budget: Dollars | None = None
    budget_duration: Duration | None = None
    rpm_limit: PerMinute | None = None
    tpm_limit: PerMinute | None = None
    max_parallel_requests: AtATime | None = None


class NewUser(UserTerms):
    """`POST /user/new`. Without `user_id` one is made. The key that is made, too, is of `team_id`, or of the team."""

    user_id: Label | None = None
    teams: Annotated[list[Label], Field(max_length=1)] | None = None
    auto_create_key: StrictBool = True
    team_id: Label | None = None
    key_alias: Label | None = None
    duration: Duration | None = None
    models: Names | None = None


@dataclass(frozen=True, slots=True)
class User:
    """A person: the row that `/user/new` made, None for one whom only keys name, and their keys."""

    id: str
    row: Limit | None
    keys: Sequence[VirtualKey]


def new(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Make a person and, unless `auto_create_key` is false, a key, shown once. InvalidRequest."""
    body = schemas.validate(NewUser, read_body(request))
    name = label("user_id", body.user_id) if body.user_id is not None else _generated(deps)
    row = replace(with_terms(Limit(since=deps.clock.unix_s()), body), version=1)
    made = made_key(_key_of(body, name), deps) if body.auto_create_key else None
    row = _kept(Subject(BudgetScope.USER, name), row, deps)
    if made is None:
        return {"key": None, **shown_user(User(name, row, ()), (), deps)}
    secret, key, claims = made
    deps.stores.keys.add_key(key, claims=claims)
    return {"key": secret, **described(key, deps), **shown_user(User(name, row, [key]), (), deps)}


def _kept(subject: Subject, row: Limit, deps: AdminDeps) -> Limit:
    """The row as it was written, also in the place of one that was deleted. InvalidRequest if there is one."""
    try:
        deps.stores.budgets.add_limit(subject, row)
    except AlreadyExists:
        before = deps.stores.budgets.limits([subject]).get(subject)
        if before is None or before.deleted_at is None:
            raise InvalidRequest("'user_id' exists already.", code="already_exists", param="user_id") from None
        row = replace(row, version=before.version + 1)
        deps.stores.budgets.replace_limit(subject, row)
    return row


def with_terms(row: Limit, body: UserTerms) -> Limit:
    """The next row: the values that were sent in place of those before. InvalidRequest."""
    values: dict[str, tuple[str, Any]] = {
        "user_alias": ("alias", optional_label("user_alias", body.user_alias)),
        "user_email": ("email", optional_label("user_email", body.user_email)),
        "metadata": ("metadata", metadata_text(body.metadata)),
        "max_budget": ("max_budget", budget_amount("max_budget", body.max_budget)),
        "soft_budget": ("soft_budget", budget_amount("soft_budget", body.soft_budget)),
        "budget_duration": ("duration", budget_duration(body.budget_duration)),
        **{name: (name, getattr(body, name)) for name in RATE_FIELDS},
    }
    changes = dict(values[name] for name in values if name in body.model_fields_set)
    return replace(row, **changes, version=row.version + 1)


def info(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A person, their keys with budget and spend, and their keys' teams. NotFound."""
    user = found_user(required(request, "user_id"), "user_id", deps)
    keys = listed(user.keys, deps, lines=True)
    shown = shown_user(user, keys, deps) | _lines_of(user, deps)
    return {"user_id": user.id, "user_info": shown, "keys": keys, "teams": [{"team_id": each} for each in _teams(user)]}


def found_user(name: str, param: str, deps: AdminDeps) -> User:
    """The person of the name's normal form, else of the name as it is, also one whom only keys name. NotFound."""
    for form in dict.fromkeys((normal_name(name), name)):
        keys = [key for key in deps.stores.keys.all_keys() if key.user_id == form]
        subject = Subject(BudgetScope.USER, form)
        row = deps.stores.budgets.limits([subject]).get(subject) if is_label(form) else None
        row = row if row is None or row.deleted_at is None else None
        if row is not None or keys:
            return User(form, row, keys)
    raise NotFound("No such user.", param=param)


def listing(request: Request, deps: AdminDeps) -> dict[str, object]:
    """LiteLLM's page of the people, by id, also of those whom only keys name. InvalidRequest."""
    query = request.query
    refuse_unknown(query, PARAMETERS)
    page, size = number(query, "page", 1), number(query, "page_size", DEFAULT_SIZE, MAX_SIZE)
    ids = {label("user_ids", each) for each in query["user_ids"].split(",")} if "user_ids" in query else None
    email = label("user_email", query["user_email"]) if "user_email" in query else None
    users = [
        user
        for user in all_users(deps)
        if (ids is None or user.id in ids) and (email is None or (user.row is not None and user.row.email == email))
    ]
    shown = [shown_user(user, listed(user.keys, deps), deps) for user in page_of(users, page, size)]
    total = {"total": len(users), "page": page, "page_size": size, "total_pages": pages_of(users, size)}
    return {"users": shown, **total}


def user_fields(name: str, row: Limit | None) -> dict[str, object]:
    """A person under LiteLLM's names."""
    return {
        "user_id": name,
        "user_alias": row.alias if row is not None else None,
        "user_email": row.email if row is not None else None,
        "user_role": ROLE,
        "metadata": metadata_object(row.metadata if row is not None else None),
        **rate_fields(row),
    }


def _generated(deps: AdminDeps) -> str:
    return new_operation_id(deps.clock, deps.randomness)


def _key_of(body: NewUser, name: str) -> GenerateKey:
    only = body.teams[0] if body.teams else None
    if None not in (only, body.team_id) and only != body.team_id:
        raise invalid("teams", "the team of the key, or none")
    return GenerateKey(
        user_id=name,
        team_id=body.team_id or only,
        key_alias=body.key_alias,
        duration=body.duration,
        models=body.models,
    )


def all_users(deps: AdminDeps) -> list[User]:
    """All people by id, also those whom only keys name."""
    every = deps.stores.budgets.all_limits(BudgetScope.USER)
    rows = {subject.id: limit for subject, limit in every.items() if limit.deleted_at is None}
    keys: dict[str, list[VirtualKey]] = {name: [] for name in rows}
    for key in deps.stores.keys.all_keys():
        if key.user_id is not None:
            keys.setdefault(key.user_id, []).append(key)
    return [User(name, rows.get(name), keys[name]) for name in sorted(keys)]


def shown_user(user: User, keys: Sequence[dict[str, object]], deps: AdminDeps) -> dict[str, object]:
    """A person, with budget and spend: without a budget, what the keys have spent, each in its budget's period."""
    if _has_budget(user.row):
        spent = Spent(deps).fields_of(Subject(BudgetScope.USER, user.id), user.row)
    else:
        amount = sum(int(str(key["spend_nano_usd"])) for key in keys)
        duration = user.row.duration if user.row is not None else None
        kept = {**dict.fromkeys(_BUDGET), "budget_duration": duration}
        spent = {**kept, "spend": dollars(amount), "spend_nano_usd": amount}
    return {**user_fields(user.id, user.row), **spent, "key_count": len(user.keys), "teams": _teams(user)}


def _has_budget(row: Limit | None) -> bool:
    return row is not None and (row.max_budget is not None or row.soft_budget is not None)


def _lines_of(user: User, deps: AdminDeps) -> dict[str, object]:
    """The spend of a person's keys by call type, in the budget's period. Reads the months of each key."""
    subjects = [Subject(BudgetScope.KEY, key.id) for key in user.keys]
    limits = [user.row if _has_budget(user.row) else key_limit(key) for key in user.keys]
    each = zip(subjects, limits, (key.created_at for key in user.keys), strict=True)
    return added_lines([Spent(deps).lines_of(*one) for one in each])


def _teams(user: User) -> list[str]:
    return sorted({key.team_id for key in user.keys if key.team_id is not None})
