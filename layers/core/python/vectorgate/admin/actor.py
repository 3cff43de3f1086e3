"""Who makes an admin call: the holder of the master key, or of a key with a role."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import DO_NOT_RETRY, PermissionDenied, Unauthenticated, Unavailable
from vectorgate.audit.model import MASTER_KEY
from vectorgate.auth.authenticate import MAX_KEY, is_expired, key_id_of, opens, presented_key
from vectorgate.auth.keys.model import KeyRole
from vectorgate.auth.restrictions import check_route
from vectorgate.budgets.model import BudgetScope, Subject
from vectorgate.classes import dataclass
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from vectorgate.api.http import Request
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.ids import KeyId
    from vectorgate.persistence.stores import Stores
    from vectorgate.providers.credentials import Secret


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts. `key`: the row of the key that was presented, None for the master key."""

    key: VirtualKey | None = None

    @property
    def id(self) -> str:
        """The actor as the audit names it."""
        return self.key.id if self.key is not None else MASTER_KEY

    @property
    def alias(self) -> str | None:
        """The key's name."""
        return self.key.alias if self.key is not None else None

    @property
    def team_id(self) -> str | None:
        """The only team that a team admin's key sees; None for an actor that sees all."""
        return self.key.team_id if self.key is not None and self.key.role is KeyRole.TEAM_ADMIN else None


MASTER: Final = Actor()


def actor_of(request: Request, master_key: Secret, stores: Stores, unix_s: float) -> Actor:
    """Identify the actor. Unauthenticated (401), PermissionDenied (403) for a blocked key or team, Unavailable (503).

    Any key but the master key is read at each call, so that a revocation holds at once.
    """
    if is_master(request, master_key):
        return MASTER
    secret = presented_key(request) or ""
    presented = key_id_of(secret)
    row, blocked = _read(stores, presented) if 0 < len(secret) <= MAX_KEY else (None, False)
    if row is None or row.role is None or not opens(presented, row, unix_s) or is_expired(row, unix_s):
        message = "Incorrect API key provided: this needs the master key or an admin key."
        raise Unauthenticated(message, code="invalid_api_key")
    if blocked:
        raise PermissionDenied("This key is blocked.", code="blocked", headers=DO_NOT_RETRY)
    return Actor(row)


def is_master(request: Request, master_key: Secret) -> bool:
    """Whether the master key is presented. Takes the same time for every other key."""
    secret = presented_key(request) or ""
    return hmac.compare_digest(secret.encode("utf-8", "surrogatepass"), master_key.reveal().encode())


def check_restricted(actor: Actor, method: str, path: str, store: str) -> None:
    """Check that an admin key may call a route. PermissionDenied (403). `store`: that the path names.

    The restrictions of a team admin's key are those of the keys that it makes.
    """
    key = actor.key
    if key is None or key.role is not KeyRole.ADMIN:
        return
    if key.read_only and method != "GET":
        raise PermissionDenied("This key may only read.", code="read_only_key")
    groups = {"management_routes", "info_routes"} if method == "GET" else {"management_routes"}
    if groups.isdisjoint(key.allowed_routes or ()):
        check_route(key, path, {"vector_store_id": store})


def _read(stores: Stores, key_id: KeyId) -> tuple[VirtualKey | None, bool]:
    """The key, and whether it or, for a team admin, its team is blocked."""
    try:
        row = stores.keys.key(key_id)
        team = row.team_id if row is not None and row.role is KeyRole.TEAM_ADMIN else None
        limits = stores.budgets.limits([Subject(BudgetScope.TEAM, team)]) if team is not None else {}
    except StoreError as error:
        raise Unavailable("The gateway cannot check keys at this moment.", code="keys_unavailable") from error
    return row, row is not None and (row.blocked or any(limit.blocked for limit in limits.values()))
