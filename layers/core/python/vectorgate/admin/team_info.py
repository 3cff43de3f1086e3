"""`GET /team/info`: a team, with its keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.admin import key_list
from vectorgate.admin.budgets import details_of, known, shown_team
from vectorgate.admin.fields import required
from vectorgate.budgets.model import BudgetScope

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request


def info(request: Request, deps: AdminDeps) -> dict[str, object]:
    """A team's budget, its spend in all and by call type, the cost of storage that is not charged yet, and its keys."""
    subject, limit = known(BudgetScope.TEAM, required(request, "team_id"), "team_id", deps)
    keys = [row for row in deps.stores.keys.all_keys() if row.team_id == subject.id]
    return {
        "team_id": subject.id,
        "team_info": shown_team(subject, limit, deps) | details_of(subject, limit, deps),
        "keys": key_list.described(keys, deps, lines=True),
        "team_memberships": [],  # keys name people, teams do not
    }
