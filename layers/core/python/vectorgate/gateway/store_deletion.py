"""Delete a store for an administrator, as a call of the team that owns it: checked and recorded like any other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import InvalidRequest
from vectorgate.api.operations import BY_NAME
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.auth.principal import Principal
from vectorgate.gateway.parser import CallOptions
from vectorgate.gateway.policy import Policy
from vectorgate.ids import ProviderName, team_of

if TYPE_CHECKING:
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ids import ObjectId, TenantId

KEY_ALIAS: Final = "cleanup"  # of its calls in the ledger
SECONDS: Final = 8.0  # for the provider's answer: the admin function waits for 12
_DELETE: Final = BY_NAME["vector_stores.delete"]


@dataclass(frozen=True, slots=True)
class StoreDeletion:
    """Deletes stores by the pipeline."""

    gateway: Gateway

    def __call__(self, provider: ProviderName, store_id: ObjectId, tenant: TenantId) -> None:
        """Delete a store that the tenant owns. ApiError: InvalidRequest for a provider or an id that is none."""
        surface = self.gateway.openai
        if provider not in surface.providers:
            raise InvalidRequest("This provider is not configured.", code="invalid_value", param="provider")
        options = CallOptions(tags=(KEY_ALIAS,), provider=provider)
        command = surface.command(_DELETE, ids={"vector_store_id": store_id}, options=options)
        context = self.gateway.execute(command, self._owner(tenant), Policy(deadline_seconds=SECONDS))
        if context.error is not None:
            raise context.error

    def _owner(self, tenant: TenantId) -> Principal:
        """The owner, by the hash of a text that cannot be a key."""
        key_id, now = key_id_of(f"{KEY_ALIAS} of {tenant}"), self.gateway.clock.unix_s()
        key = VirtualKey(id=key_id, created_at=now, alias=KEY_ALIAS, team_id=team_of(tenant))
        return Principal(key=key, tenant=tenant)
