"""A virtual key. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from vectorgate.ids import tenant_of_key, tenant_of_team

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ids import KeyId, TenantId
    from vectorgate.pricing.money import NanoUSD


class IndexPermission(StrEnum):
    """A permission of a key on an Azure AI Search index (LiteLLM's names)."""

    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualKey:
    """The row of a key. The key itself is returned once, when it is generated, and is not stored.

    Times are Unix seconds. `indexes` maps virtual index names to permissions. `max_budget`, `soft_budget` and
    `budget_duration` are the key's own limit (`budgets.model.Limit`). `metadata` is JSON. `version` counts writes.
    """

    id: KeyId
    created_at: int
    alias: str | None = None
    team_id: str | None = None
    user_id: str | None = None
    expires_at: int | None = None
    blocked: bool = False
    indexes: Mapping[str, frozenset[IndexPermission]] = field(default_factory=dict)
    metadata: str | None = None
    max_budget: NanoUSD | None = None
    soft_budget: NanoUSD | None = None
    budget_duration: str | None = None
    version: int = 1

    @property
    def tenant(self) -> TenantId:
        """The key's team; a key without a team is a tenant of its own."""
        return tenant_of_team(self.team_id) if self.team_id is not None else tenant_of_key(self.id)
