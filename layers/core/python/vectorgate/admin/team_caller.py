"""A team's ordinary key, on the few of the administrator's routes that take one: shares, and the key's own row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vectorgate.api.errors import DO_NOT_RETRY, NotFound, PermissionDenied, Unavailable
from vectorgate.auth.authenticate import Authenticator, key_id_of, presented_key
from vectorgate.auth.restrictions import check_route
from vectorgate.budgets.model import BudgetScope, Subject
from vectorgate.store_errors import StoreError
from vectorgate.tenancy.authorization import no_such_store

if TYPE_CHECKING:
    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.auth.principal import Principal
    from vectorgate.ids import ProviderName


def team_caller(request: Request, deps: AdminDeps) -> Principal | None:
    """The principal of the request's key, which is read again; None for a key with a role, or none of the table.

    Unauthenticated (401) for an expired key, PermissionDenied (403) for a blocked key or team, Unavailable (503).
    """
    secret = presented_key(request)
    try:
        row = deps.stores.keys.key(key_id_of(secret)) if secret is not None else None
        if row is None or row.role is not None:
            return None
        principal = Authenticator(deps.stores.keys, deps.clock).identify(request)
        _check_team(row.team_id, deps)
    except StoreError as error:
        raise Unavailable("The gateway cannot check keys at this moment.", code="keys_unavailable") from error
    return principal


def own_key(request: Request, caller: Principal) -> VirtualKey:
    """The caller's own key, which it may name by itself or by its hash. NotFound for any other."""
    named, presented = request.query.get("key"), key_id_of(presented_key(request) or "")
    if named and not {named, key_id_of(named)} & {caller.key.id, presented}:
        raise NotFound("No such key.", param="key")
    return caller.key


def _check_team(team: str | None, deps: AdminDeps) -> None:
    if team is None:
        return
    subject = Subject(BudgetScope.TEAM, team)
    limit = deps.stores.budgets.limits([subject]).get(subject)
    if limit is not None and limit.blocked:
        raise PermissionDenied("This team is blocked.", code="blocked", headers=DO_NOT_RETRY)


def check_sharing(request: Request, key: VirtualKey, route: str, store: str, provider: ProviderName) -> None:
    """Check that a restricted key may see or change shares of a store. PermissionDenied (403), NotFound (404)."""
    if key.read_only and request.method != "GET":
        raise PermissionDenied("This key may only read.", code="read_only_key")
    check_route(key, route, {"vector_store_id": store})
    if key.allowed_providers is not None and provider not in key.allowed_providers:
        raise PermissionDenied(
            "This key may not use this provider: its 'allowed_providers' has to name it.", code="provider_not_allowed"
        )
    if key.vector_stores is not None and store not in key.vector_stores:
        raise no_such_store(store)
