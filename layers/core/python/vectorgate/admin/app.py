"""The admin app: who acts, then one of a few routes with that actor's stores. It shares no path with the gateway.

A team's ordinary keys are for the routes in `routes.OF_TEAMS` alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vectorgate.admin import store_paths
from vectorgate.admin.actor import Actor, actor_of, check_restricted, is_master
from vectorgate.admin.aliases import name_taken
from vectorgate.admin.audited import audited
from vectorgate.admin.guards import guarded
from vectorgate.admin.reply import Reply
from vectorgate.admin.routes import OF_TEAMS, ROUTES, TEAM_ROUTES
from vectorgate.admin.team_caller import team_caller
from vectorgate.admin.trail import Trail
from vectorgate.api.errors import ApiError, NotFound, PermissionDenied, Unavailable
from vectorgate.api.http import Response
from vectorgate.classes import dataclass
from vectorgate.ledger.entry import new_operation_id
from vectorgate.store_errors import NameTaken, StoreError
from vectorgate.ui import pages

if TYPE_CHECKING:
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
        found = ROUTES.get(route)
        if found is None:
            raise NotFound(f"Invalid URL ({request.method[:16]} {request.path[:100]})", code="unknown_url")
        if actor.team_id is not None and route not in TEAM_ROUTES:
            message = "A team admin's key manages its team's keys and sees its team's spend, and nothing else."
            raise PermissionDenied(message, code="admin_key_required")
        check_restricted(actor, *route, store_paths.store_in(request.path))
        try:
            return found.action()(request, replace(self._deps_of(actor, " ".join(route), request_id), caller=caller))
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
