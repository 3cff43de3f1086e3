"""What an actor sees and may change: no actor gives a right that it does not have.

An admin key's holder sees all, and changes no admin key. The holder of a team admin's key sees its team alone: what is
not the team's is absent from its stores, so that no route can show or change it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

from vectorgate.admin.team_view import TeamBudgets, TeamReports
from vectorgate.api.errors import PermissionDenied
from vectorgate.auth.keys.model import KeyRole
from vectorgate.auth.keys.rights import bounds_of, exceeding, gains
from vectorgate.store_errors import StateConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vectorgate.admin.actor import Actor
    from vectorgate.audit.model import AuditRecord
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.auth.keys.ports import KeyStore
    from vectorgate.ids import KeyId
    from vectorgate.persistence.stores import Stores


class Policy(Protocol):
    """The keys that an actor sees, and the changes that it may make."""

    def sees(self, key: VirtualKey) -> bool:
        """Whether the key exists for the actor."""
        ...

    def check(self, before: VirtualKey | None, after: VirtualKey | None) -> None:
        """Check that a key may be made (no `before`), changed, or deleted (no `after`). PermissionDenied."""
        ...


def guarded(stores: Stores, actor: Actor) -> Stores:
    """The same stores, as far as the actor may use them."""
    if actor.key is None:
        return stores
    if actor.team_id is None:
        return replace(stores, keys=GuardedKeys(stores.keys, AdminPolicy()))
    keys = GuardedKeys(stores.keys, TeamPolicy(actor.key, stores.keys))
    budgets = TeamBudgets(stores.budgets, actor.team_id)
    return replace(stores, keys=keys, budgets=budgets, reports=TeamReports(stores.reports, actor.team_id, keys))


def with_bounds(key: VirtualKey, actor: Actor) -> VirtualKey:
    """A new key as the actor makes it: a team admin's is of its team, with its bounds where it names none."""
    if actor.key is None or actor.team_id is None:
        return key
    values: dict[str, Any] = bounds_of(actor.key, key)
    return replace(key, team_id=key.team_id or actor.team_id, **values)


class AdminPolicy:
    """Policy of an admin key: only the holder of the master key makes, changes and revokes admin keys."""

    def sees(self, key: VirtualKey) -> bool:
        """Every key."""
        del key
        return True

    def check(self, before: VirtualKey | None, after: VirtualKey | None) -> None:
        """Refuse what concerns an admin key."""
        if any(key is not None and key.role is KeyRole.ADMIN for key in (before, after)):
            message = "Admin keys are managed with the master key."
            raise PermissionDenied(message, code="master_key_required", param="key")


class TeamPolicy:
    """Policy of a team admin's key: its team's keys that have no role, and no more than it may do itself.

    It names no person whom none of its team's keys names: else it could use up another person's budget, and read of it.
    """

    def __init__(self, admin: VirtualKey, keys: KeyStore) -> None:
        self._admin = admin
        self._keys = keys

    def sees(self, key: VirtualKey) -> bool:
        """The keys of the team."""
        return key.team_id == self._admin.team_id

    def check(self, before: VirtualKey | None, after: VirtualKey | None) -> None:
        """Refuse a role, another team, and what the key would be able to do beyond the admin's own key."""
        keys = [key for key in (before, after) if key is not None]
        if any(key.role is not None for key in keys) or not all(map(self.sees, keys)):
            message = "A team admin's key makes and changes only keys of its team that have no role."
            raise PermissionDenied(message, code="admin_key_required", param="key")
        if after is None:
            return
        self._check_user(before, after)
        whole = before is None or gains(before, after)
        param = exceeding(after, self._admin, None if whole else before)
        if param is not None:
            message = f"A team admin cannot grant more than its own key has: '{param}'."
            raise PermissionDenied(message, code="exceeds_own_rights", param=param)

    def _check_user(self, before: VirtualKey | None, after: VirtualKey) -> None:
        if after.user_id is None or (before is not None and before.user_id == after.user_id):
            return
        if not any(self.sees(row) and row.user_id == after.user_id for row in self._keys.all_keys()):
            message = "A team admin may only use a 'user_id' that another key of its team already has."
            raise PermissionDenied(message, code="exceeds_own_rights", param="user_id")


class GuardedKeys:
    """KeyStore under a policy: what the actor does not see is absent."""

    def __init__(self, keys: KeyStore, policy: Policy) -> None:
        self._keys = keys
        self._policy = policy

    def key(self, key_id: KeyId) -> VirtualKey | None:
        """As the port says, of the keys that the actor sees."""
        row = self._keys.key(key_id)
        return row if row is not None and self._policy.sees(row) else None

    def all_keys(self) -> Sequence[VirtualKey]:
        """As the port says, of the keys that the actor sees."""
        return [row for row in self._keys.all_keys() if self._policy.sees(row)]

    def add_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """As the port says. PermissionDenied."""
        self._policy.check(None, key)
        self._keys.add_key(key, audit=audit, claims=claims)

    def replace_key(self, key: VirtualKey, *, audit: AuditRecord | None = None, claims: Sequence[str] = ()) -> None:
        """As the port says. PermissionDenied."""
        before = self.key(key.id)
        if before is None:
            raise StateConflict("key")
        self._policy.check(before, key)
        self._keys.replace_key(key, audit=audit, claims=claims)

    def add_reference(self, secret: KeyId, key_id: KeyId) -> None:
        """As the port says. PermissionDenied; StateConflict for a key that the actor does not see."""
        row = self.key(key_id)
        if row is None:
            raise StateConflict("key")
        self._policy.check(row, replace(row, secret=secret))
        self._keys.add_reference(secret, key_id)

    def delete_key(self, key_id: KeyId, *, audit: AuditRecord | None = None) -> bool:
        """As the port says. PermissionDenied."""
        row = self.key(key_id)
        if row is None:
            return False
        self._policy.check(row, None)
        return self._keys.delete_key(row.id, audit=audit)
