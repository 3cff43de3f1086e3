"""The principal of a call: the virtual key that it acts under, and the tenant that owns what it makes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vectorgate.auth.keys.model import VirtualKey
from vectorgate.ids import key_id_of

if TYPE_CHECKING:
    from vectorgate.ids import TenantId


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An authenticated caller. There is no anonymous form: without a key there is no principal."""

    key: VirtualKey
    tenant: TenantId


class TrustedPrincipal(Principal):
    """A team that a trusted part of the deployment names, for a call that presents no key.

    The invoke function trusts its invoker where the deployment says so; ingestion's settings map a sender to a team.
    """

    __slots__ = ()

    @classmethod
    def of_team(cls, team: str, *, caller: str, unix_s: int) -> TrustedPrincipal:
        """The team, acted for by `caller`, which names the call's key alias in the ledger."""
        # The id is the hash of a text that no key looks like, so that it is the id of none.
        key = VirtualKey(id=key_id_of(f"{caller} of {team}"), created_at=unix_s, alias=caller, team_id=team)
        return cls(key=key, tenant=key.tenant)
