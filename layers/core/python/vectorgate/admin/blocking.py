"""`block` and `unblock` of keys, teams and end users, as LiteLLM's scripts call them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from vectorgate.admin.budgets import Name, customer_fields, known, team_fields
from vectorgate.admin.conflicts import retry_on_conflict
from vectorgate.admin.fields import label, read_body
from vectorgate.admin.keys import PresentedKey, described, find_key, key_id_in
from vectorgate.admin.spent import Spent
from vectorgate.api import schemas
from vectorgate.api.schemas.fields import WireModel
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.store_errors import AlreadyExists

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.auth.keys.model import VirtualKey


class OneKey(WireModel):
    """`POST /key/block` and `/key/unblock`: a key, or its hash."""

    key: PresentedKey


class OneTeam(WireModel):
    """`POST /team/block` and `/team/unblock`."""

    team_id: Name


class EndUsers(WireModel):
    """`POST /customer/block` and `/customer/unblock`."""

    user_ids: Annotated[list[Name], Field(min_length=1, max_length=100)]


def block_key(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Refuse every call of a key with 403."""
    return _key(request, deps, blocked=True)


def unblock_key(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Serve a key again."""
    return _key(request, deps, blocked=False)


def block_team(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Refuse every call of a team's keys with 403, also of one that only keys name. NotFound for an unknown team."""
    return _team(request, deps, blocked=True)


def unblock_team(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Serve a team again."""
    return _team(request, deps, blocked=False)


def block_customers(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Refuse every call of these end users with 403, also of those that have no row yet."""
    return {"blocked_users": _customers(request, deps, blocked=True)}


def unblock_customers(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Serve these end users again."""
    return {"unblocked_users": _customers(request, deps, blocked=False)}


def _key(request: Request, deps: AdminDeps, *, blocked: bool) -> dict[str, object]:
    key_id = key_id_in(schemas.validate(OneKey, read_body(request)).key)

    def replace_row() -> VirtualKey:
        row = find_key(key_id, deps)
        changed = replace(row, blocked=blocked, version=row.version + 1)
        deps.stores.keys.replace_key(changed)
        return changed

    return described(retry_on_conflict("key", replace_row), deps)


def _team(request: Request, deps: AdminDeps, *, blocked: bool) -> dict[str, object]:
    name = schemas.validate(OneTeam, read_body(request)).team_id
    label("team_id", name)
    subject, _ = known(BudgetScope.TEAM, name, "team_id", deps)
    limit = _changed(subject, deps, blocked=blocked)
    return team_fields(subject, limit) | Spent(deps).fields_of(subject, limit)


def _customers(request: Request, deps: AdminDeps, *, blocked: bool) -> list[dict[str, object]]:
    names = schemas.validate(EndUsers, read_body(request)).user_ids
    subjects = [Subject(BudgetScope.END_USER, label("user_ids", name)) for name in dict.fromkeys(names)]
    rows = [(subject, _changed(subject, deps, blocked=blocked)) for subject in subjects]
    spent = Spent(deps).fields_of_all([(subject, limit, None) for subject, limit in rows])
    return [customer_fields(subject, limit) | fields for (subject, limit), fields in zip(rows, spent, strict=True)]


def _changed(subject: Subject, deps: AdminDeps, *, blocked: bool) -> Limit:
    """Change the row, or make one without a budget."""

    def write() -> Limit:
        limit = deps.stores.budgets.limits([subject]).get(subject)
        if limit is None:
            limit = Limit(since=deps.clock.unix_s(), blocked=blocked)
            with suppress(AlreadyExists):  # made by another request meanwhile: change that one
                deps.stores.budgets.add_limit(subject, limit)
                return limit
            limit = deps.stores.budgets.limits([subject])[subject]
        changed = replace(limit, blocked=blocked, version=limit.version + 1)
        deps.stores.budgets.replace_limit(subject, changed)
        return changed

    return retry_on_conflict(subject.scope, write)
