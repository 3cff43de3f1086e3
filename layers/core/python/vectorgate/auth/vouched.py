"""The gateway as it is for callers who need no key: somebody whom we trust says which team they are of.

An invoker (`invoke`) vouches for a team, our own settings (`ingest`) map a sender to one. Not in `keys`, whose models
and ports other features may use, but no more than those.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from vectorgate.auth.keys.model import VirtualKey
from vectorgate.ids import key_id_of

if TYPE_CHECKING:
    from vectorgate.api.http import Request
    from vectorgate.clock import Clock
    from vectorgate.gateway.pipeline import Gateway
    from vectorgate.ids import KeyId


class Vouched:
    """The `Keys` as they are for whom somebody (`who`) vouches: whatever is presented stands for the team."""

    def __init__(self, team: str, clock: Clock, who: str) -> None:
        # The id is the hash of something that no key looks like, so that it is the id of none.
        row = VirtualKey(id=key_id_of(f"{who} of {team}"), created_at=clock.unix_s(), alias=who, team_id=team)
        self._row = row

    def key(self, key_id: KeyId) -> VirtualKey | None:
        """The team's row."""
        del key_id
        return self._row


def gateway_of(gateway: Gateway, team: str, who: str) -> Gateway:
    """This gateway, on which every request is that team's."""
    return replace(gateway, keys=Vouched(team, gateway.clock, who))


def presented(request: Request, who: str) -> Request:
    """The request with something to identify by, in place of whatever it bore."""
    return replace(request, headers={**request.headers, "authorization": f"Bearer {who}"})
