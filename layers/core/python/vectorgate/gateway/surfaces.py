"""The APIs that the gateway speaks. A surface holds what differs between them along the pipeline, and no more.

::

    /v1/vector_stores, /openai/..., /files ...   OpenAISurface                      ids that tenants own      OpenAI's errors
    /azure_ai/indexes...                         azure_search.AzureSearchSurface    names that keys may use   Azure's errors
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from vectorgate.api.errors import NotFound, PayloadTooLarge
from vectorgate.api.http import encode_json
from vectorgate.api.router import route
from vectorgate.api.schemas import check_id
from vectorgate.gateway.parser import NO_LITELLM_FIELDS, attribution_of, document_command, parse, upload_command
from vectorgate.ids import ObjectId
from vectorgate.ledger.correlation import tagged, without_tag
from vectorgate.providers.base import Call
from vectorgate.tenancy.authorization import authorise
from vectorgate.tenancy.live import page_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.api.errors import ApiError
    from vectorgate.api.http import FileUpload, Request
    from vectorgate.api.operations import Operation
    from vectorgate.api.router import Route
    from vectorgate.auth.principal import Principal
    from vectorgate.gateway.context import Policy
    from vectorgate.gateway.parser import CallOptions, Limits
    from vectorgate.ids import OperationId, ProviderName
    from vectorgate.providers.base import Answer
    from vectorgate.providers.client import ProviderClient
    from vectorgate.tenancy.ports import OwnershipStore


@dataclass(frozen=True, slots=True)
class Target:
    """Where a command goes. `names`: the real name behind each virtual one that the caller may use."""

    provider: ProviderName
    names: Mapping[str, str] = field(default_factory=dict)


class ApiSurface(Protocol):
    """One API. Each method is a part of a step of `pipeline.Gateway`, and ends in an ApiError or in the next one."""

    @property
    def prefix(self) -> str:
        """What every path of this API begins with, up to a slash."""
        ...

    def route(self, method: str, path: str) -> Route:
        """The row of the operation table that a request means."""
        ...

    def parse(self, request: Request, matched: Route, options: CallOptions) -> tuple[Command, Policy]:
        """The request, parsed and validated; `options` are what its headers say."""
        ...

    def authorise(self, command: Command, principal: Principal) -> Target:
        """Where everything that the command names is the principal's to use. StoreUnavailable when it cannot be read."""
        ...

    def forward(
        self, command: Command, principal: Principal, target: Target, operation_id: OperationId, client: ProviderClient
    ) -> Answer:
        """The provider's answer."""
        ...

    def envelope(self, error: ApiError) -> Mapping[str, object]:
        """An error as this API's clients read it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAISurface:
    """OpenAI's API: stores, files, batches and uploads, owned by tenants. `providers`: the default one first."""

    ownership: OwnershipStore
    providers: Sequence[ProviderName]
    limits: Limits
    prefix: str = ""

    def route(self, method: str, path: str) -> Route:
        """A row of the operation table. NotFound, too, where no provider of this API is configured."""
        matched = route(method, path)
        self._check_providers()
        return matched

    def command(
        self,
        operation: Operation,
        *,
        ids: Mapping[str, str],
        options: CallOptions,
        body: dict[str, object] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> Command:
        """A command of a caller inside the deployment, validated like a request. InvalidRequest, NotFound."""
        self._check_providers()
        named = {name: ObjectId(check_id(name, ids[name])) for name in operation.parameters}
        checked = operation.query(query or {}) if operation.query is not None else {}
        return document_command(
            operation, ids=named, query=checked, body=body or {}, options=options, providers=self.providers
        )

    def upload(
        self, operation: Operation, *, ids: Mapping[str, str], options: CallOptions, upload: FileUpload
    ) -> Command:
        """A command that sends a file. The command closes the file's content; when there is none, the caller does."""
        self._check_providers()
        if upload.content.size > self.limits.most_bytes(operation):
            raise PayloadTooLarge(self.limits.message(operation), code="request_too_large")
        named = {name: ObjectId(check_id(name, ids[name])) for name in operation.parameters}
        attribution = attribution_of(options, NO_LITELLM_FIELDS, self.providers)
        return upload_command(operation, ids=named, upload=upload, attribution=attribution)

    def parse(self, request: Request, matched: Route, options: CallOptions) -> tuple[Command, Policy]:
        """A body that OpenAI would accept."""
        return parse(request, matched, options, self.providers, self.limits)

    def authorise(self, command: Command, principal: Principal) -> Target:
        """The provider at which the caller owns everything that the command names, or NotFound."""
        if not command.ids and not command.body_ids:
            return Target(command.provider or self.providers[0])
        return Target(authorise(command, principal.tenant, self.ownership, self.providers))

    def forward(
        self, command: Command, principal: Principal, target: Target, operation_id: OperationId, client: ProviderClient
    ) -> Answer:
        """The provider's answer; a list out of the caller's own ownership rows."""
        if command.operation.lists is not None:
            answer = page_of(command, principal.tenant, target.provider, self.ownership, client)
        else:
            answer = client.ask(_call(command, operation_id))
        return answer if answer.document is None else replace(answer, document=without_tag(answer.document))

    def envelope(self, error: ApiError) -> Mapping[str, object]:
        """OpenAI's four fields."""
        return error.envelope()

    def _check_providers(self) -> None:
        if not self.providers:
            raise NotFound("No provider of this API is configured.", code="unknown_url")


def _call(command: Command, operation_id: OperationId) -> Call:
    """What is asked of the provider: the body with our tag, where it has room for one."""
    body = tagged(command, operation_id)
    return Call(
        operation=command.operation,
        ids=command.ids,
        query=command.query,
        content=command.content if body is None else encode_json(body),
        body=command.body if body is None else body,
    )
