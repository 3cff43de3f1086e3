"""The admin app: authentication by the master key, then one of a few routes. It shares no path with the gateway."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.admin import (
    blocking,
    budgets,
    indexes,
    key_list,
    keys,
    limit_lists,
    regenerating,
    repricing,
    spend,
    store_list,
    transfers,
    unowned,
)
from vectorgate.admin.reply import Reply
from vectorgate.api.errors import ApiError, NotFound, Unauthenticated, Unavailable
from vectorgate.api.http import Response
from vectorgate.auth.authenticate import presented_key
from vectorgate.ledger.entry import new_operation_id
from vectorgate.store_errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from vectorgate.admin.deps import AdminDeps
    from vectorgate.api.http import Request
    from vectorgate.providers.credentials import Secret
    from vectorgate.telemetry import Telemetry


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminApp:
    """Answers administrators' requests."""

    master_key: Secret
    deps: AdminDeps
    telemetry: Telemetry

    def handle(self, request: Request) -> Response:
        """Answer one request; errors become responses."""
        headers = {"x-request-id": new_operation_id(self.deps.clock, self.deps.randomness)}
        try:
            self._authenticate(request)
            result = self._route(request)
            reply = result if isinstance(result, Reply) else Reply(result, {})
            return Response.of_json(200, reply.document, {**headers, **reply.headers})
        except ApiError as error:
            return Response.of_json(error.status, error.envelope(), {**headers, **error.headers})

    def _authenticate(self, request: Request) -> None:
        """Accept the master key and no other, compared in constant time. Unauthenticated."""
        secret = (presented_key(request) or "").encode("utf-8", "surrogatepass")
        if not hmac.compare_digest(secret, self.master_key.reveal().encode()):
            raise Unauthenticated("Incorrect API key provided: this needs the master key.", code="invalid_api_key")

    def _route(self, request: Request) -> object:
        action = ROUTES.get((request.method, transfers.route_of(request.path)))
        if action is None:
            raise NotFound(f"Invalid URL ({request.method[:16]} {request.path[:100]})", code="unknown_url")
        try:
            return action(request, self.deps)
        except StoreError as error:
            raise Unavailable("The store cannot be reached at this moment.", code="store_unavailable") from error


ROUTES: Final[Mapping[tuple[str, str], Callable[[Request, AdminDeps], object]]] = {
    ("GET", "/spend/logs"): spend.logs,
    ("POST", "/spend/reprice"): repricing.reprice,
    ("POST", "/key/generate"): keys.generate,
    ("GET", "/key/info"): keys.info,
    ("GET", "/key/list"): key_list.listing,
    ("POST", "/key/update"): keys.update,
    ("POST", "/key/delete"): keys.delete,
    ("POST", "/key/block"): blocking.block_key,
    ("POST", "/key/unblock"): blocking.unblock_key,
    ("POST", "/key/regenerate"): regenerating.regenerate,
    ("POST", "/team/new"): budgets.new_team,
    ("POST", "/team/update"): budgets.update_team,
    ("POST", "/team/block"): blocking.block_team,
    ("POST", "/team/unblock"): blocking.unblock_team,
    ("GET", "/team/info"): budgets.team_info,
    ("GET", "/team/list"): limit_lists.teams,
    ("POST", "/customer/new"): budgets.new_customer,
    ("POST", "/customer/update"): budgets.update_customer,
    ("POST", "/customer/block"): blocking.block_customers,
    ("POST", "/customer/unblock"): blocking.unblock_customers,
    ("GET", "/customer/info"): budgets.customer_info,
    ("GET", "/customer/list"): limit_lists.customers,
    ("GET", "/vector_stores/unowned"): unowned.unowned,
    ("POST", "/vector_stores/adopt"): unowned.adopt,
    ("GET", "/admin/vector_stores"): store_list.stores,
    ("POST", transfers.PATH): transfers.transfer,
    ("POST", "/v1/indexes"): indexes.create,
    ("GET", "/v1/indexes"): indexes.listing,
    ("POST", "/v1/indexes/delete"): indexes.delete,
}
