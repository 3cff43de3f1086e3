"""Azure AI Search's API: its own operations, key permissions instead of ownership, and virtual index names."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import NotFound, UpstreamError
from vectorgate.api.http import encode_json
from vectorgate.api.operations import Media
from vectorgate.api.router import SEARCH_PREFIX
from vectorgate.api.safety import Safety
from vectorgate.azure_search import router
from vectorgate.azure_search.operations import ResponseKind
from vectorgate.azure_search.parser import as_index_operation, parse
from vectorgate.azure_search.responses import IndexNames, envelope, select_definitions
from vectorgate.classes import dataclass
from vectorgate.gateway.policy import Policy
from vectorgate.gateway.surfaces import Target
from vectorgate.ids import is_object_id
from vectorgate.providers.base import Answer, Call

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.api.command import Command
    from vectorgate.api.errors import ApiError
    from vectorgate.api.http import Request
    from vectorgate.api.router import Route
    from vectorgate.auth.principal import Principal
    from vectorgate.azure_search.ports import IndexStore
    from vectorgate.gateway.parser import CallOptions
    from vectorgate.ids import OperationId, ProviderName
    from vectorgate.providers.client import ProviderClient

CONDITIONAL_HEADERS: Final = frozenset({"if-match", "if-none-match"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSearchSurface:
    """Azure AI Search's API. `max_body`: the deployment's limit of a request body, in bytes."""

    provider: ProviderName
    indexes: IndexStore
    max_body: int
    prefix: str = SEARCH_PREFIX

    def route(self, method: str, path: str) -> Route:
        """Match a row of the allow-list. NotFound."""
        return router.route(method, path)

    def parse(self, request: Request, matched: Route, options: CallOptions) -> tuple[Command, Policy]:
        """Parse a request. Repetitions are not detected, because Azure's clients send no idempotency key."""
        return parse(request, matched, options, self.provider, self.max_body), Policy(retry_count=None)

    def authorise(self, command: Command, principal: Principal) -> Target:
        """Find the indexes on which the key has the operation's permission. NotFound for any other index.

        Without the permission the error is the same as for an index that does not exist, and the name is not looked up.
        """
        if principal.key.allowed_providers is not None:
            from vectorgate.auth.restrictions import allowed_providers  # noqa: PLC0415 - of restricted keys alone

            allowed_providers(principal.key, command, [self.provider])
        permission, requested = as_index_operation(command.operation).permission, command.ids.get("index")
        allowed = {name for name, granted in principal.key.indexes.items() if permission in granted}
        names = sorted(filter(is_object_id, allowed if requested is None else allowed & {requested}))
        found = self.indexes.indexes(names) if names else {}
        if requested is not None and requested not in found:
            raise no_such_index(requested)
        return Target(self.provider, {name: index.real_name for name, index in found.items()})

    def forward(
        self, command: Command, principal: Principal, target: Target, operation_id: OperationId, client: ProviderClient
    ) -> Answer:
        """Send the command under the index's real name, and return the answer under its virtual name."""
        del principal, operation_id
        if "index" not in command.ids:
            return _list(command, target.names, client)
        names = IndexNames(command.ids["index"], target.names[command.ids["index"]])
        try:
            answer = client.send(_call(command, names.real))
        except UpstreamError as error:
            names.hide_in_error(error)
            raise
        if answer.document is None:
            return answer
        return replace(
            answer,
            document=names.hide_in_document(answer.document, as_index_operation(command.operation).response_kind),
        )

    def envelope(self, error: ApiError) -> Mapping[str, object]:
        """The error in Azure's format."""
        return envelope(error)


def no_such_index(name: str) -> NotFound:
    """The error 404 for an index that does not exist, or on which the key lacks the permission."""
    return NotFound(f"No index with the name '{name}' was found.", code="ResourceNotFound")


def _call(command: Command, real: str) -> Call:
    """The provider call under the real name. A conditional one is never repeated: its condition holds only once."""
    operation, content = command.operation, command.content
    if not CONDITIONAL_HEADERS.isdisjoint(command.headers):
        operation = replace(operation, safety=Safety.CREATE)
    if operation.media is Media.JSON and as_index_operation(command.operation).response_kind is ResponseKind.DEFINITION:
        content = encode_json({**command.body, "name": real})
    ids = {**command.ids, "index": real}
    return Call(operation=operation, ids=ids, query=command.query, headers=command.headers, content=content)


def _list(command: Command, real_names: Mapping[str, str], client: ProviderClient) -> Answer:
    """List the caller's indexes, selected from the service's list of all tenants' indexes by name."""
    if not real_names:
        return Answer(status=200, headers={}, document={"value": []})
    query = {**command.query}
    if "$select" in query:
        query["$select"] = ",".join(dict.fromkeys(["name", *query["$select"].split(",")]))
    answer = client.send(Call(operation=command.operation, query=query, headers=command.headers))
    return replace(answer, document=select_definitions(answer.document or {}, real_names))
