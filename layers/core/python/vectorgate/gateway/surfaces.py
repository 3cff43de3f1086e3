"""The APIs that the gateway serves. A surface holds what differs between them in the steps of the pipeline.

::

    /v1/vector_stores, /openai/..., /files ...   OpenAISurface                   ids owned by tenants    OpenAI's errors
    /azure_ai/indexes...                         azure_search.AzureSearchSurface names allowed by keys   Azure's errors
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import field, replace
from typing import TYPE_CHECKING, Final, Protocol

from vectorgate.api.errors import NotFound, OutcomeUnknown, PayloadTooLarge
from vectorgate.api.http import encode_json
from vectorgate.api.router import SEARCH_PREFIX, route
from vectorgate.auth.permissions import check_permissions, may_use_model
from vectorgate.classes import dataclass
from vectorgate.gateway.parser import (
    NO_LITELLM_FIELDS,
    attribution_of,
    document_command,
    parse,
    path_ids,
    upload_command,
)
from vectorgate.ids import ObjectKind, OperationId
from vectorgate.providers.base import Answer, Call
from vectorgate.providers.openai import snapshot_of, tagged, without_tag
from vectorgate.store_errors import StoreError
from vectorgate.tenancy.authorization import authorise
from vectorgate.tenancy.ownership import ObjectRef

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.api.errors import ApiError
    from vectorgate.api.http import FileUpload, Request
    from vectorgate.api.operations import Operation
    from vectorgate.api.router import Route
    from vectorgate.auth.keys.model import VirtualKey
    from vectorgate.auth.principal import Principal
    from vectorgate.gateway.limits import Limits
    from vectorgate.gateway.parser import CallOptions
    from vectorgate.gateway.policy import Policy
    from vectorgate.ids import ProviderName
    from vectorgate.providers.client import ProviderClient
    from vectorgate.tenancy.ownership import Ownership
    from vectorgate.tenancy.ports import OwnershipStore
    from vectorgate.tenancy.slots import TenantSlots


_UPDATES_STORE: Final = "vector_stores.update"


@dataclass(frozen=True, slots=True)
class Target:
    """The destination of a command. `names` maps the virtual names that the caller may use to real ones.

    `borrowed`: the row of the store in the path, if another tenant shares it with the caller.
    """

    provider: ProviderName
    names: Mapping[str, str] = field(default_factory=dict)
    borrowed: Ownership | None = None


class ApiSurface(Protocol):
    """One API. Each method is its part of a step of `pipeline.Gateway`, and may raise an ApiError."""

    @property
    def prefix(self) -> str:
        """The prefix of every path of this API, without the slash that follows it."""
        ...

    def route(self, method: str, path: str) -> Route:
        """Match a request to a row of the operation table. NotFound, MethodNotAllowed."""
        ...

    def parse(self, request: Request, matched: Route, options: CallOptions) -> tuple[Command, Policy]:
        """Parse and validate a request; `options` come from its headers."""
        ...

    def authorise(self, command: Command, principal: Principal) -> Target:
        """The destination at which the principal may use every object that the command names. NotFound otherwise.

        StoreUnavailable when the store cannot be read.
        """
        ...

    def forward(
        self, command: Command, principal: Principal, target: Target, operation_id: OperationId, client: ProviderClient
    ) -> Answer:
        """Send the command to the provider and return its answer. An ApiError for any failure."""
        ...

    def envelope(self, error: ApiError) -> Mapping[str, object]:
        """The error's JSON body in this API's format."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAISurface:
    """OpenAI's API: stores, files, batches and uploads, owned by tenants. The first of `providers` is the default.

    `slots` bounds the calls that the lists of one tenant make at a time.
    """

    ownership: OwnershipStore
    slots: TenantSlots
    providers: Sequence[ProviderName]
    limits: Limits
    prefix: str = ""

    def route(self, method: str, path: str) -> Route:
        """Match a row of the operation table. NotFound also when no provider of the path's API is configured."""
        if path == SEARCH_PREFIX or path.startswith(SEARCH_PREFIX + "/"):  # with such a provider, it has its surface
            raise _not_configured("Azure AI Search ('azure_ai')")
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
        """Build the command of a caller inside the deployment, validated like a request. InvalidRequest, NotFound."""
        self._check_providers()
        checked_ids = path_ids({name: ids[name] for name in operation.parameters})
        checked_query = operation.query(query or {})
        return document_command(
            operation, ids=checked_ids, query=checked_query, body=body or {}, options=options, providers=self.providers
        )

    def upload(
        self, operation: Operation, *, ids: Mapping[str, str], options: CallOptions, upload: FileUpload
    ) -> Command:
        """Build a command that sends a file. `Gateway.execute` closes the content; on an error here the caller does."""
        self._check_providers()
        if upload.content.size > self.limits.max_bytes(operation):
            raise PayloadTooLarge(self.limits.too_large_message(operation), code="request_too_large")
        checked_ids = path_ids({name: ids[name] for name in operation.parameters})
        attribution = attribution_of(options, NO_LITELLM_FIELDS, self.providers)
        return upload_command(operation, ids=checked_ids, upload=upload, attribution=attribution)

    def parse(self, request: Request, matched: Route, options: CallOptions) -> tuple[Command, Policy]:
        """Parse a request whose body OpenAI would accept. InvalidRequest, PayloadTooLarge."""
        return parse(request, matched, options, self.providers, self.limits)

    def authorise(self, command: Command, principal: Principal) -> Target:
        """The provider at which the principal owns every object that the command names. NotFound when there is none."""
        if command.model is not None or command.features:
            check_permissions(principal.key, command)
        providers = self.providers
        if principal.key.allowed_providers is not None:
            from vectorgate.auth.restrictions import allowed_providers  # noqa: PLC0415 - of restricted keys alone

            providers = allowed_providers(principal.key, command, providers)
        if not command.ids and not command.body_ids and not command.references:
            return Target(command.provider or providers[0])
        provider, borrowed = authorise(command, principal.tenant, self._ownership_for(principal.key), providers)
        return Target(provider, borrowed=borrowed)

    def forward(
        self, command: Command, principal: Principal, target: Target, operation_id: OperationId, client: ProviderClient
    ) -> Answer:
        """The provider's answer; for a list operation, a page built from the tenant's ownership rows."""
        if command.operation.lists is not None:
            from vectorgate.tenancy.list_operations import ListService  # noqa: PLC0415 - no other call needs it

            lists = ListService(ownership=self._ownership_for(principal.key), slots=self.slots)
            answer = lists.answer(command, principal.tenant, target.provider, client)
        elif command.operation.name == "models.list":
            answer = _models(command, principal.key, client)
        else:
            answer = _sent(_call(command, operation_id), client)
            self._keep_description(command, principal, target, answer)
        return answer if answer.document is None else replace(answer, document=without_tag(answer.document))

    def _ownership_for(self, key: VirtualKey) -> OwnershipStore:
        """Ownership as the key may see it."""
        if key.vector_stores is None:
            return self.ownership
        from vectorgate.tenancy.permitted import PermittedOwnership  # noqa: PLC0415 - of restricted keys alone

        return PermittedOwnership(self.ownership, key.vector_stores)

    def _keep_description(self, command: Command, principal: Principal, target: Target, answer: Answer) -> None:
        """Record a changed store's description, for lists while the provider cannot be asked."""
        if command.operation.name != _UPDATES_STORE or answer.document is None:
            return
        snapshot = snapshot_of(ObjectKind.VECTOR_STORE, answer.document)
        if snapshot is not None:
            ref = ObjectRef(target.provider, ObjectKind.VECTOR_STORE, command.ids["vector_store_id"])
            with suppress(StoreError):  # lists show the description before, which the meter replaces
                self.ownership.keep_snapshot(ref, principal.tenant, snapshot)

    def envelope(self, error: ApiError) -> Mapping[str, object]:
        """OpenAI's envelope."""
        return error.envelope()

    def _check_providers(self) -> None:
        if not self.providers:
            raise _not_configured("OpenAI's API ('openai' or 'azure')")


def _not_configured(api: str) -> NotFound:
    return NotFound(f"No provider of {api} is configured on this gateway.", code="provider_not_configured")


def _call(command: Command, operation_id: OperationId) -> Call:
    """The provider call, with the correlation tag in the body where the metadata has a free key."""
    body = tagged(command, operation_id)
    return Call(
        operation=command.operation,
        ids=command.ids,
        query=command.query,
        content=command.content if body is None else encode_json(body),
        body=command.body if body is None else body,
        stream=command.streamed,
        tag=None if body is None else operation_id,
    )


def _sent(call: Call, client: ProviderClient) -> Answer:
    """The provider's answer; that of a create with a tag also if it was lost and could be found out."""
    sent_at = client.clock.monotonic()
    try:
        return client.send(call)
    except OutcomeUnknown as error:
        if call.tag is None:
            raise
        from vectorgate.providers.lost_create import LostCreate  # noqa: PLC0415 - no other call needs it

        return LostCreate(client, call, sent_at).recovered(error)


def _models(command: Command, key: VirtualKey, client: ProviderClient) -> Answer:
    """The provider's models that the key may use. For a key that may use none, no provider is asked."""
    if not key.models:
        return Answer(status=200, headers={}, document={"object": "list", "data": []})
    answer = client.send(_call(command, OperationId("")))
    document = answer.document or {}
    data = document.get("data")
    models = [model for model in data if isinstance(model, dict)] if isinstance(data, list) else []
    allowed = [model for model in models if may_use_model(key, str(model.get("id")))]
    return replace(answer, document={**document, "data": allowed})
