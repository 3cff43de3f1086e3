"""What reports say about keys and teams beside their ids."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.budgets.model import BudgetScope

if TYPE_CHECKING:
    from collections.abc import Collection

    from vectorgate.admin.deps import AdminDeps


def key_names(deps: AdminDeps, ids: Collection[str]) -> dict[str, dict[str, object]]:
    """LiteLLM's metadata of keys, by id; of one that is deleted, that it does not exist. All keys are read once."""
    rows = {row.id: row for row in deps.stores.keys.all_keys()} if any(ids) else {}
    found: dict[str, dict[str, object]] = {}
    for key_id in ids:
        row = rows.get(key_id)  # type: ignore[call-overload]
        found[key_id] = {
            "key_alias": row.alias if row is not None else None,
            "team_id": row.team_id if row is not None else None,
            "user_id": row.user_id if row is not None else None,
            "key_exists": row is not None,
        }
    return found


def team_names(deps: AdminDeps) -> dict[str, dict[str, object]]:
    """The aliases of teams, by id. All teams are read once."""
    limits = deps.stores.budgets.all_limits(BudgetScope.TEAM)
    return {subject.id: {"team_alias": limit.alias or subject.id} for subject, limit in limits.items()}
