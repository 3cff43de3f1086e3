"""The APIs that the gateway speaks. Each is a door: what differs between them on the way of a request, and no more.

::

    /v1/vector_stores, /openai/..., /files ...   ObjectDoor             ids that tenants own     OpenAI's errors
    /azure_ai/indexes...                         indexes.door           names that keys may use  Azure's errors
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from vectorgate.api.errors import NotFound
from vectorgate.api.http import encode_json
from vectorgate.api.router import route
from vectorgate.gateway.parser import admit
from vectorgate.ledger.correlation import tagged, without_tag
from vectorgate.providers.base import Answer, Call
from vectorgate.tenancy.authorization import authorise
from vectorgate.tenancy.live import page_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vectorgate.api.command import Command
    from vectorgate.api.errors import ApiError
    from vectorgate.api.http import Request
    from vectorgate.api.router import Route
    from vectorgate.auth.keys.model import Principal
    from vectorgate.gateway.parser import Limits
    from vectorgate.ids import ProviderName
    from vectorgate.ledger.entry import LedgerEntry
    from vectorgate.providers.client import ProviderClient
    from vectorgate.tenancy.ports import OwnershipStore


@dataclass(frozen=True, slots=True)
class Target:
    """Whom an order may be asked of. `names`: the real name behind each virtual one that the caller may use."""

    provider: ProviderName
    names: Mapping[str, str] = field(default_factory=dict)


class ApiSurface(Protocol):
    """One API. Each method is a step of `gateway.Gateway.handle`, and ends in an ApiError or in the next one."""

    def route(self, method: str, path: str) -> Route:
        """The row that is meant."""
        ...

    def admit(self, request: Request, matched: Route) -> Command:
        """The request, parsed and validated."""
        ...

    def authorise(self, command: Command, principal: Principal) -> Target:
        """What the order names is the principal's to use. StoreUnavailable when that cannot be read."""
        ...

    def ask(self, command: Command, target: Target, entry: LedgerEntry, client: ProviderClient) -> Answer:
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

    def route(self, method: str, path: str) -> Route:
        """A row of the operation table. NotFound, too, where no provider of this API is configured."""
        matched = route(method, path)
        if not self.providers:
            raise NotFound("No provider of this API is configured.", code="unknown_url")
        return matched

    def admit(self, request: Request, matched: Route) -> Command:
        """A body that OpenAI would accept."""
        return admit(request, matched, self.providers, self.limits)

    def authorise(self, command: Command, principal: Principal) -> Target:
        """The provider at which the caller owns everything that the order names, or NotFound."""
        return Target(authorise(command, principal.tenant, self.ownership, self.providers))

    def ask(self, command: Command, target: Target, entry: LedgerEntry, client: ProviderClient) -> Answer:
        """The provider's answer; a list out of the caller's own ownership."""
        del target
        if command.operation.lists is not None:
            return _untagged(page_of(command, entry, self.ownership, client))
        body = tagged(command, entry.id)
        content = command.content if body is None else encode_json(body)
        call = Call(
            operation=command.operation,
            ids=command.ids,
            query=command.query,
            content=content,
            body=body or command.body,
        )
        return _untagged(client.ask(call))

    def envelope(self, error: ApiError) -> Mapping[str, object]:
        """OpenAI's four fields."""
        return error.envelope()


def _untagged(answer: Answer) -> Answer:
    return answer if answer.document is None else replace(answer, document=without_tag(answer.document))
