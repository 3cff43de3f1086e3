"""`/user/...`: LiteLLM's routes and field names for the people whose keys name them in `user_id`.

A person has the teams of their keys, and has spent what their keys have. Budgets are their keys' and teams'.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Final, Literal

from pydantic import Field, StrictBool

from vectorgate.admin.fields import dollars, invalid, label, metadata_object, metadata_text, optional_label, read_body
from vectorgate.admin.key_list import described as listed
from vectorgate.admin.keys import Duration, GenerateKey, Label, Names, described, made_key
from vectorgate.admin.lists import MAX_SIZE, number, page_of, pages_of, refuse_unknown
from vectorgate.api import schemas
from vectorgate.api.errors import InvalidRequest, NotFound
from vectorgate.api.schemas.fields import WireModel
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.ids import is_label, normal_name
from vectorgate.ledger.entry import new_operation_id
from vectorgate.store_errors import AlreadyExists

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.auth.keys.model import VirtualKey

DEFAULT_SIZE: Final = 25
ROLE: Final = "internal_user"  # LiteLLM's: people have no rights here, their keys have
PARAMETERS: Final = frozenset({"page", "page_size", "user_ids", "user_email"})


class NewUser(WireModel):
    """`POST /user/new`. Without `user_id` one is made. The key that is made, too, is of `team_id`, or of the team."""

    user_id: Label | None = None
    user_email: Label | None = None
    user_alias: Label | None = None
    user_role: Literal["internal_user"] | None = None
    teams: Annotated[list[Label], Field(max_length=1)] | None = None
    auto_create_key: StrictBool = True
    metadata: dict[str, object] | None = None
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
    row = Limit(
        since=deps.clock.unix_s(),
        alias=optional_label("user_alias", body.user_alias),
        email=optional_label("user_email", body.user_email),
        metadata=metadata_text(body.metadata),
    )
    made = made_key(_key_of(body, name), deps) if body.auto_create_key else None
    try:
        deps.stores.budgets.add_limit(Subject(BudgetScope.USER, name), row)
    except AlreadyExists:
        raise InvalidRequest("'user_id' exists already.", code="already_exists", param="user_id") from None
    if made is None:
        return {"key": None, **user_fields(name, row), "spend": 0, "teams": []}
    secret, key = made
    deps.stores.keys.add_key(key)
    shown = {"spend": 0, "teams": [key.team_id] if key.team_id is not None else []}
    return {"key": secret, **described(key, deps), **user_fields(name, row), **shown}


def info(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A person, their keys with budget and spend, and their keys' teams. NotFound."""
    name = request.query.get("user_id", "")
    if not name:
        raise InvalidRequest(
            "Missing required parameter: 'user_id'.", code="missing_required_parameter", param="user_id"
        )
    for form in dict.fromkeys((normal_name(name), name)):
        keys = [key for key in deps.stores.keys.all_keys() if key.user_id == form]
        subject = Subject(BudgetScope.USER, form)
        row = deps.stores.budgets.limits([subject]).get(subject) if is_label(form) else None
        if row is not None or keys:
            user = User(form, row, keys)
            shown = listed(keys, deps)
            teams = [{"team_id": team} for team in _teams(user)]
            return {"user_id": form, "user_info": _described(user, shown), "keys": shown, "teams": teams}
    raise NotFound("No such user.", param="user_id")


def listing(request: Request, deps: AdminDeps) -> dict[str, object]:
    """LiteLLM's page of the people, by id, also of those whom only keys name. InvalidRequest."""
    query = request.query
    refuse_unknown(query, PARAMETERS)
    page, size = number(query, "page", 1), number(query, "page_size", DEFAULT_SIZE, MAX_SIZE)
    ids = {label("user_ids", each) for each in query["user_ids"].split(",")} if "user_ids" in query else None
    email = label("user_email", query["user_email"]) if "user_email" in query else None
    users = [
        user
        for user in _all(deps)
        if (ids is None or user.id in ids) and (email is None or (user.row is not None and user.row.email == email))
    ]
    shown = [_described(user, listed(user.keys, deps)) for user in page_of(users, page, size)]
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


def _all(deps: AdminDeps) -> list[User]:
    rows = {subject.id: limit for subject, limit in deps.stores.budgets.all_limits(BudgetScope.USER).items()}
    keys: dict[str, list[VirtualKey]] = {name: [] for name in rows}
    for key in deps.stores.keys.all_keys():
        if key.user_id is not None:
            keys.setdefault(key.user_id, []).append(key)
    return [User(name, rows.get(name), keys[name]) for name in sorted(keys)]


def _described(user: User, keys: Sequence[dict[str, object]]) -> dict[str, object]:
    """A person, with what the keys have spent, each in its budget's period."""
    spent = sum(int(str(key["spend_nano_usd"])) for key in keys)
    amounts = {"spend": dollars(spent), "spend_nano_usd": spent, "key_count": len(keys)}
    return {**user_fields(user.id, user.row), **amounts, "teams": _teams(user)}


def _teams(user: User) -> list[str]:
    return sorted({key.team_id for key in user.keys if key.team_id is not None})
