"""`POST /team/delete`: a team and its keys.

::

    mark the row deleted and blocked    its calls are refused within 5 s, and its id is never given again
    delete its keys, one by one         a call that is killed or out of time is sent again

The team still owns its stores and files, and storage is charged to it, until they are transferred or deleted.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from vectorgate.admin.budgets import Name, known
from vectorgate.admin.conflicts import retry_on_conflict
from vectorgate.admin.fields import label, read_body
from vectorgate.api import schemas
from vectorgate.api.schemas.fields import WireModel
from vectorgate.budgets.model import BudgetScope, Limit, Subject

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.ids import KeyId

SECONDS: Final = 15.0  # after which no further key is deleted: the function has 30


class DeleteTeams(WireModel):
    """`POST /team/delete`."""

    team_ids: Annotated[list[Name], Field(min_length=1, max_length=100)]


def delete(request: Request, deps: AdminDeps) -> dict[str, object]:
    """Delete teams with their keys. NotFound for an unknown one, before any is deleted.

    Repeat it while `keys_left` is not 0. Stores stay the team's, and charged to it, until they are transferred. Its id
    is not given again.
    """
    names = schemas.validate(DeleteTeams, read_body(request)).team_ids
    keys = [(row.id, row.team_id) for row in deps.stores.keys.all_keys()]
    with_keys = {team for _, team in keys}
    subjects = [_existing(label("team_ids", name), with_keys, deps) for name in dict.fromkeys(names)]
    for subject in subjects:
        retry_on_conflict("team_ids", partial(_mark, subject, deps))
    teams = {subject.id for subject in subjects}
    wanted = [key_id for key_id, team in keys if team in teams]
    deleted = delete_keys(wanted, deps)
    return {"deleted_teams": sorted(teams), "deleted_keys": deleted, "keys_left": len(wanted) - len(deleted)}


def _existing(name: str, with_keys: set[str | None], deps: AdminDeps) -> Subject:
    """The team, also one that is deleted and still has keys. NotFound."""
    subject = Subject(BudgetScope.TEAM, name)
    if name in with_keys and subject in deps.stores.budgets.limits([subject]):
        return subject
    return known(BudgetScope.TEAM, name, "team_ids", deps)[0]


def _mark(subject: Subject, deps: AdminDeps) -> None:
    now = deps.clock.unix_s()
    limit = deps.stores.budgets.limits([subject]).get(subject)
    if limit is None:
        deps.stores.budgets.add_limit(subject, Limit(since=now, blocked=True, deleted_at=now))
    elif limit.deleted_at is None:
        marked = replace(limit, blocked=True, deleted_at=now, version=limit.version + 1)
        deps.stores.budgets.replace_limit(subject, marked)


def delete_keys(keys: Iterable[KeyId], deps: AdminDeps) -> list[KeyId]:
    """Delete keys while there is time; those that are gone."""
    ends_at, gone = deps.clock.monotonic() + SECONDS, []
    for key_id in keys:
        if deps.clock.monotonic() >= ends_at:
            break
        deps.stores.keys.delete_key(key_id)
        gone.append(key_id)
    return gone
