"""The principal of a trusted caller inside the deployment, which presents no key. Pure."""

from __future__ import annotations

from vectorgate.auth.authenticate import key_id_of
from vectorgate.auth.keys.model import VirtualKey
from vectorgate.auth.principal import Principal


class TrustedPrincipal(Principal):
    """A team on whose behalf a trusted part of the deployment acts, without a key.

    The invoke function trusts its invokers if the deployment is configured so; ingestion maps a sender to a team.
    """

    __slots__ = ()

    @classmethod
    def of_team(cls, team: str, *, caller: str, unix_s: int) -> TrustedPrincipal:
        """Act for a team. `caller` becomes the key alias in the ledger; `unix_s` is the time now."""
        # The id is the hash of a text that cannot be a key, so that it is the id of no key.
        key = VirtualKey(id=key_id_of(f"{caller} of {team}"), created_at=unix_s, alias=caller, team_id=team)
        return cls(key=key, tenant=key.tenant)
