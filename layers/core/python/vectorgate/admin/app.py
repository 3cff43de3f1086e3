"""The admin app: who acts, then one of a few routes with that actor's stores. It shares no path with the gateway.

A team's ordinary keys are for the routes in `OF_TEAMS` alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.admin import (
    audit_list,
    blocking,
    budgets,
    cleanup,
    dead_letters,
    export_check,
    indexes,
    key_list,
    keys,
    limit_lists,
    log_v2,
    one_store,
    open_operations,
    reconciling,
    regenerating,
    repricing,
    searches,
    session,
    shares,
    spend_logs,
    store_list,
    store_paths,
    team_deletion,
    team_info,
    transfers,
    unowned,
    user_changes,
    users,
)
from vectorgate.admin.actor import Actor, actor_of, check_restricted, is_master
from vectorgate.admin.aliases import name_taken
from vectorgate.admin.audited import audited
from vectorgate.admin.guards import guarded
from vectorgate.admin.reply import Reply
from vectorgate.admin.reports.routes import REPORTS
from vectorgate.admin.team_caller import team_caller
from vectorgate.admin.trail import Trail
from vectorgate.api.errors import ApiError, NotFound, PermissionDenied, Unavailable
from vectorgate.api.http import Response
from vectorgate.classes import dataclass
from vectorgate.ledger.entry import new_operation_id
from vectorgate.store_errors import NameTaken, StoreError
from vectorgate.ui import pages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.auth.principal import Principal
    from vectorgate.providers.credentials import Secret
    from vectorgate.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminApp:
    """Answers administrators' requests."""

    master_key: Secret
    deps: AdminDeps
    telemetry: Telemetry

    def handle(self, request: Request) -> Response:
        """Answer one request; errors become responses. The dashboard's files need no key: they hold no data."""
        if (page := pages.response(request)) is not None:
            return page
        request_id = new_operation_id(self.deps.clock, self.deps.randomness)
        headers = {"x-request-id": request_id}
        try:
            result = self._route(request, request_id)
            if isinstance(result, Response):
                return replace(result, headers={**headers, **result.headers})
            reply = result if isinstance(result, Reply) else Reply(result, {})
            return Response.of_json(200, reply.document, {**headers, **reply.headers})
        except ApiError as error:
            return Response.of_json(error.status, error.envelope(), {**headers, **error.headers})

    def _identified(self, request: Request, route: tuple[str, str]) -> tuple[Actor, Principal | None]:
        """Who acts, and the principal of a team's ordinary key. Unauthenticated, PermissionDenied, Unavailable.

        The demo's one key is the master key and a team's: it is the master key here.
        """
        of_team = route in OF_TEAMS and not is_master(request, self.master_key)
        caller = team_caller(request, self.deps) if of_team else None
        if caller is not None:
            return Actor(caller.key), caller
        return actor_of(request, self.master_key, self.deps.stores, self.deps.clock.wall()), None

    def _route(self, request: Request, request_id: str) -> object:
        route = request.method, store_paths.route_of(request.path)
        actor, caller = self._identified(request, route)
        action = ROUTES.get(route)
        if action is None:
            raise NotFound(f"Invalid URL ({request.method[:16]} {request.path[:100]})", code="unknown_url")
        if actor.team_id is not None and route not in TEAM_ROUTES:
            message = "A team admin's key manages its team's keys and sees its team's spend, and nothing else."
            raise PermissionDenied(message, code="admin_key_required")
        check_restricted(actor, *route, store_paths.store_in(request.path))
        try:
            return action(request, replace(self._deps_of(actor, " ".join(route), request_id), caller=caller))
        except NameTaken as error:
            raise name_taken(error.name) from error
        except StoreError as error:
            raise Unavailable("The database cannot be reached at this moment.", code="store_unavailable") from error

    def _deps_of(self, actor: Actor, route: str, request_id: str) -> AdminDeps:
        """What the actor may use, and what records its changes."""
        clock, randomness = self.deps.clock, self.deps.randomness
        trail = Trail(actor=actor, route=route, request_id=request_id, clock=clock, randomness=randomness)
        stores = guarded(audited(self.deps.stores, trail), actor)
        return replace(self.deps, stores=stores, actor=actor, trail=trail)


ROUTES: Final[Mapping[tuple[str, str], Callable[[Request, AdminDeps], object]]] = {
    ("GET", "/audit"): audit_list.listing,
    ("GET", "/spend/logs"): spend_logs.logs,
    ("GET", "/spend/logs/v2"): log_v2.logs_v2,
    **REPORTS,
    ("POST", "/spend/reprice"): repricing.reprice,
    ("GET", "/spend/reconcile"): reconciling.reconcile,
    ("POST", "/key/generate"): keys.generate,
    ("GET", "/key/info"): keys.info,
    ("GET", "/key/list"): key_list.listing,
    ("POST", "/key/update"): keys.update,
    ("POST", "/key/delete"): keys.delete,
    ("POST", "/key/block"): blocking.block_key,
    ("POST", "/key/unblock"): blocking.unblock_key,
    ("POST", "/key/regenerate"): regenerating.regenerate,
    ("POST", regenerating.PATH): regenerating.regenerate_named,
    ("POST", "/team/new"): budgets.new_team,
    ("POST", "/team/update"): budgets.update_team,
    ("POST", "/team/delete"): team_deletion.delete,
    ("POST", "/team/block"): blocking.block_team,
    ("POST", "/team/unblock"): blocking.unblock_team,
    ("GET", "/team/info"): team_info.info,
    ("GET", "/team/list"): limit_lists.teams,
    ("POST", "/customer/new"): budgets.new_customer,
    ("POST", "/customer/update"): budgets.update_customer,
    ("POST", "/customer/block"): blocking.block_customers,
    ("POST", "/customer/unblock"): blocking.unblock_customers,
    ("GET", "/customer/info"): budgets.customer_info,
    ("GET", "/customer/list"): limit_lists.customers,
    ("POST", "/user/new"): users.new,
    ("POST", "/user/update"): user_changes.update,
    ("POST", "/user/delete"): user_changes.delete,
    ("GET", "/user/info"): users.info,
    ("GET", "/user/list"): users.listing,
    ("GET", "/vector_stores/unowned"): unowned.unowned,
    ("POST", "/vector_stores/adopt"): unowned.adopt,
    ("POST", "/vector_stores/cleanup"): cleanup.cleanup,
    ("POST", export_check.PATH): export_check.check,
    ("GET", export_check.PATH): export_check.check,
    ("GET", "/admin/dead_letters"): dead_letters.listing,
    ("POST", "/admin/dead_letters/retry"): dead_letters.retry,
    ("POST", "/admin/dead_letters/drop"): dead_letters.drop,
    ("GET", "/admin/searches"): searches.by_key,
    ("GET", "/admin/session"): session.session,
    ("GET", "/admin/open_operations"): open_operations.listing,
    ("GET", "/admin/vector_stores"): store_list.stores,
    ("GET", one_store.PATH): one_store.retrieve,
    ("DELETE", one_store.PATH): one_store.delete,
    ("POST", transfers.PATH): transfers.transfer,
    ("POST", shares.PATH): shares.share,
    ("GET", shares.PATH): shares.listing,
    ("DELETE", shares.PATH): shares.unshare,
    ("POST", "/v1/indexes"): indexes.create,
    ("GET", "/v1/indexes"): indexes.listing,
    ("POST", "/v1/indexes/delete"): indexes.delete,
}
_OWN: Final = ("GET", "/key/info")
OF_TEAMS: Final = frozenset({("POST", shares.PATH), ("GET", shares.PATH), ("DELETE", shares.PATH), _OWN})
# What a team admin's key may call, on its own team: `guards` shows it nothing else.
TEAM_ROUTES: Final = frozenset(
    {
        *REPORTS,
        ("POST", regenerating.PATH),
        *(("POST", f"/key/{verb}") for verb in ("generate", "update", "delete", "block", "unblock", "regenerate")),
        *(
            ("GET", path)
            for path in ("/key/info", "/key/list", "/team/info", "/team/list", "/admin/session", "/admin/searches")
        ),
        *(("GET", path) for path in ("/spend/logs", "/spend/logs/v2")),
    }
)
