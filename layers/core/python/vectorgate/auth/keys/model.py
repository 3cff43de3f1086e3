"""A virtual key. Pure."""

from __future__ import annotations

from dataclasses import field
from enum import StrEnum
from typing import TYPE_CHECKING

from vectorgate.classes import dataclass
from vectorgate.ids import tenant_of_key, tenant_of_team

if TYPE_CHECKING:
    from collections.abc import Mapping

    from vectorgate.ids import KeyId, TenantId
    from vectorgate.pricing.money import NanoUSD


class IndexPermission(StrEnum):
    """A permission of a key on an Azure AI Search index (LiteLLM's names)."""

    READ = "read"
    WRITE = "write"


class KeyRole(StrEnum):
    """What a key administers. A key with a role makes no calls of the API."""

    ADMIN = "admin"
    TEAM_ADMIN = "team_admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualKey:
    """The row of a key. The key itself is returned once, when it is generated, and is not stored.

    Times are Unix seconds. `indexes` maps virtual index names to permissions. `max_budget`, `soft_budget` and
    `budget_duration` are the key's own limit (`budgets.model.Limit`). `metadata` is JSON. `version` counts writes.

    `models` are the models that it may use, `*` for any, `gpt-5*` for those whose names begin so; none by default.
    `allowed_tools` are the tools and features of responses that it may use (`auth.permissions`), None for the default.
    `max_output_tokens`: the most tokens of one response. `rpm_limit` and `tpm_limit`: the most requests and tokens a
    minute; `max_parallel_requests`: the most requests at a time. `allowed_routes`, `allowed_providers`, `vector_stores`
    and `read_only` restrict it further (`auth.restrictions`); None for no restriction. `tags` stand in the record of
    each of its calls, before the call's own.

    `role`: what the key administers. `id` is the SHA-256 of the first secret, and stays when the secret is regenerated:
    budgets, records and ownership go on. `secret` is then the hash of the current one, `former` of the one before,
    which opens until `former_until`.
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
    models: tuple[str, ...] = ()
    allowed_tools: tuple[str, ...] | None = None
    max_output_tokens: int | None = None
    tpm_limit: int | None = None
    role: KeyRole | None = None
    rpm_limit: int | None = None
    max_parallel_requests: int | None = None
    allowed_routes: tuple[str, ...] | None = None
    allowed_providers: tuple[str, ...] | None = None
    vector_stores: tuple[str, ...] | None = None
    read_only: bool = False
    tags: tuple[str, ...] = ()
    version: int = 1
    secret: KeyId | None = None
    former: KeyId | None = None
    former_until: int | None = None

    @property
    def tenant(self) -> TenantId:
        """The key's team; a key without a team is a tenant of its own."""
        return tenant_of_team(self.team_id) if self.team_id is not None else tenant_of_key(self.id)
