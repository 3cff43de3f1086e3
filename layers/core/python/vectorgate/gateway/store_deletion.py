"""Delete a store for an administrator, as a call of the team that owns it: checked and recorded like any other.

But for the team's limits: the stores of a blocked or deleted team can be deleted, too, and none of its rate is used up.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from vectorgate.api.errors import InvalidRequest
from vectorgate.api.operations import BY_NAME
from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.auth.principal import Principal
from vectorgate.classes import dataclass
from vectorgate.gateway.parser import CallOptions
from vectorgate.gateway.policy import Policy
from vectorgate.ids import ProviderName, team_of

if TYPE_CHECKING:
    from vectorgate.budgets.model import Limit, Subject
    from vectorgate.budgets.ports import LimitReader
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ids import ObjectId, TenantId

SECONDS: Final = 8.0  # for the provider's answer: the admin function waits for 12
_DELETE: Final = BY_NAME["vector_stores.delete"]


@dataclass(frozen=True, slots=True)
class StoreDeletion:
    """Deletes stores by the pipeline."""

    gateway: Gateway

    def __call__(self, provider: ProviderName, store_id: ObjectId, tenant: TenantId, alias: str) -> None:
        """Delete a store that the tenant owns. `alias`: of the key, and the tag, in the call's record. ApiError.

        InvalidRequest for a provider or an id that is none.
        """
        surface = self.gateway.openai
        if provider not in surface.providers:
            raise InvalidRequest("This provider is not configured.", code="invalid_value", param="provider")
        options = CallOptions(tags=(alias,), provider=provider)
        command = surface.command(_DELETE, ids={"vector_store_id": store_id}, options=options)
        budgets = self.gateway.budgets
        gateway = replace(self.gateway, budgets=replace(budgets, limits=LiftedLimits(budgets.limits)))
        context = gateway.execute(command, self._owner(tenant, alias), Policy(deadline_seconds=SECONDS))
        if context.error is not None:
            raise context.error

    def _owner(self, tenant: TenantId, alias: str) -> Principal:
        """The owner, by the hash of a text that cannot be a key."""
        key_id, now = key_id_of(f"{alias} of {tenant}"), self.gateway.clock.unix_s()
        key = VirtualKey(id=key_id, created_at=now, alias=alias, team_id=team_of(tenant))
        return Principal(key=key, tenant=tenant)


@dataclass(frozen=True, slots=True)
class LiftedLimits:
    """LimitReader whose limits refuse no call, and still name the accounts that it counts against."""

    limits: LimitReader

    def forget(self) -> None:
        """As the port says."""
        self.limits.forget()

    def limits_of(self, key: VirtualKey, end_user: str | None) -> list[tuple[Subject, Limit]]:
        """As the port says."""
        return [(subject, _lifted(limit)) for subject, limit in self.limits.limits_of(key, end_user)]

    def of_team(self, team: str) -> list[tuple[Subject, Limit]]:
        """As the port says."""
        return [(subject, _lifted(limit)) for subject, limit in self.limits.of_team(team)]


def _lifted(limit: Limit) -> Limit:
    return replace(limit, blocked=False, rpm_limit=None, tpm_limit=None, max_parallel_requests=None)
