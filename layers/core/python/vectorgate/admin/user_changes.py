"""`POST /user/update` and `POST /user/delete`: change a person's budget, and delete people with their keys."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, StringConstraints

from vectorgate.admin.conflicts import retry_on_conflict
from vectorgate.admin.fields import label, read_body
from vectorgate.admin.key_list import described as listed
from vectorgate.admin.team_deletion import delete_keys
from vectorgate.admin.users import User, UserTerms, found_user, shown_user, with_terms
from vectorgate.api import schemas
from vectorgate.api.schemas.fields import WireModel
from vectorgate.budgets.model import BudgetScope, Limit, Subject
from vectorgate.store_errors import AlreadyExists, StateConflict

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request


Name = Annotated[str, StringConstraints(max_length=128)]


class UpdateUser(UserTerms):
    """`POST /user/update`."""

    user_id: Name


class DeleteUsers(WireModel):
    """`POST /user/delete`."""

    user_ids: Annotated[list[Name], Field(min_length=1, max_length=100)]


def update(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Change the fields that are sent, also of a person whom only keys name so far. NotFound."""
    body = schemas.validate(UpdateUser, read_body(request))
    label("user_id", body.user_id)

    def write() -> User:
        user = found_user(body.user_id, "user_id", deps)
        row = with_terms(user.row or Limit(since=deps.clock.unix_s(), version=0), body)
        _write(user, row, deps)
        return User(user.id, row, user.keys)

    user = retry_on_conflict("user_id", write)
    return {"user_id": user.id, "data": shown_user(user, listed(user.keys, deps), deps)}


def delete(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Delete people with their keys. NotFound for an unknown one, before any is deleted.

    Repeat it while `keys_left` is not 0. A row without name, address and budget stays, and blocks the keys that are
    left.
    """
    names = schemas.validate(DeleteUsers, read_body(request)).user_ids
    users = [found_user(label("user_ids", name), "user_ids", deps) for name in dict.fromkeys(names)]
    for user in users:
        retry_on_conflict("user_ids", partial(_mark, user.id, deps))
    wanted = [key.id for user in users for key in user.keys]
    deleted = delete_keys(wanted, deps)
    ids = sorted({user.id for user in users})
    return {"deleted_users": ids, "deleted_keys": deleted, "keys_left": len(wanted) - len(deleted)}


def _mark(name: str, deps: AdminDeps) -> None:
    subject, now = Subject(BudgetScope.USER, name), deps.clock.unix_s()
    row = deps.stores.budgets.limits([subject]).get(subject)
    if row is None or row.deleted_at is None:
        version = row.version + 1 if row is not None else 1
        mark = Limit(since=now, blocked=True, deleted_at=now, version=version)
        _write(User(name, row, ()), mark, deps)


def _write(user: User, row: Limit, deps: AdminDeps) -> None:
    """Write a person's row, the first one also in the place of one that was deleted. StateConflict."""
    subject = Subject(BudgetScope.USER, user.id)
    if user.row is not None:
        deps.stores.budgets.replace_limit(subject, row)
        return
    try:
        deps.stores.budgets.add_limit(subject, row)
    except AlreadyExists as error:
        raise StateConflict("limit") from error
