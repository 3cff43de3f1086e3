"""Azure AI Search's API: operations of its own, permissions of keys instead of ownership, virtual index names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import NotFound, UpstreamError
from vectorgate.api.http import encode_json
from vectorgate.api.operations import Media, Safety
from vectorgate.azure_search import router
from vectorgate.azure_search.operations import Returns
from vectorgate.azure_search.parser import index_row, parse
from vectorgate.azure_search.responses import Names, envelope, listed
from vectorgate.azure_search.router import PREFIX
from vectorgate.gateway.context import Policy
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

CONDITIONS: Final = frozenset({"if-match", "if-none-match"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AzureSearchSurface:
    """`max_body`: what this deployment can carry, where a row allows more."""

    provider: ProviderName
    indexes: IndexStore
    max_body: int
    prefix: str = PREFIX

    def route(self, method: str, path: str) -> Route:
        """A row of the allow-list, or NotFound."""
        return router.route(method, path)

    def parse(self, request: Request, matched: Route, options: CallOptions) -> tuple[Command, Policy]:
        """The command, in Azure's terms. Repetitions are not looked for: Azure's clients have no such key."""
        return parse(request, matched, options, self.provider, self.max_body), Policy(retry_count=None)

    def authorise(self, command: Command, principal: Principal) -> Target:
        """The indexes that the key may use for this. One that it may not, and one that is not there, are the same 404.

        A name that the key does not have is not even looked up.
        """
        wanted, asked = index_row(command.operation).permission, command.ids.get("index")
        allowed = {name for name, has in principal.key.indexes.items() if wanted in has and is_object_id(name)}
        names = sorted(allowed) if asked is None else sorted(allowed & {asked})
        found = self.indexes.indexes(names) if names else {}
        if asked is not None and asked not in found:
            raise no_such_index(asked)
        return Target(self.provider, {name: row.real_name for name, row in found.items()})

    def forward(
        self, command: Command, principal: Principal, target: Target, operation_id: OperationId, client: ProviderClient
    ) -> Answer:
        """The service's answer about the real index, under its virtual name."""
        del principal, operation_id
        if "index" not in command.ids:
            return _list(command, target.names, client)
        names = Names(command.ids["index"], target.names[command.ids["index"]])
        try:
            answer = client.ask(_call(command, names.real))
        except UpstreamError as error:
            names.in_error(error)
            raise
        if answer.document is None:
            return answer
        return replace(answer, document=names.in_document(answer.document, index_row(command.operation).returns))

    def envelope(self, error: ApiError) -> Mapping[str, object]:
        """Azure's form of errors."""
        return envelope(error)


def no_such_index(name: str) -> NotFound:
    """404 for a name: absent, foreign, or not allowed in this way."""
    return NotFound(f"No index with the name '{name}' was found.", code="ResourceNotFound")


def _call(command: Command, real: str) -> Call:
    """The command under the real name. A condition holds once only, so a call that has one is never repeated."""
    operation, content = command.operation, command.content
    if not CONDITIONS.isdisjoint(command.headers):
        operation = replace(operation, safety=Safety.CREATE)
    if operation.media is Media.JSON and index_row(command.operation).returns is Returns.DEFINITION:
        content = encode_json({**command.body, "name": real})
    ids = {**command.ids, "index": real}
    return Call(operation=operation, ids=ids, query=command.query, headers=command.headers, content=content)


def _list(command: Command, real_names: Mapping[str, str], client: ProviderClient) -> Answer:
    """The service lists all tenants' indexes: the names are needed to pick the caller's."""
    if not real_names:
        return Answer(status=200, headers={}, document={"value": []})
    query = {**command.query}
    if "$select" in query:
        query["$select"] = ",".join(dict.fromkeys(["name", *query["$select"].split(",")]))
    answer = client.ask(Call(operation=command.operation, query=query, headers=command.headers))
    return replace(answer, document=listed(answer.document or {}, real_names))
